// The boxes and points of the answer, drawn over the pictures.

import { element } from "../shared/dom.js";
import { locationsAt, locationsIn } from "./locations.js";
import { shownPlaces } from "./selection.js";

/** @import {LocationData} from "./payload.d.ts" */
/** @import {PaneContent} from "./pane_rows.js" */
/** @import {Report} from "./report.js" */

/**
 * The marks in a view of what the word that is looked at goes with.
 * @param {Report} report
 * @param {PaneContent} content
 */
export function locationMarks({ payload, text, views }, { at, view }) {
  const all = locationsIn(payload);
  return locationsAt(payload, text.explained(at)).flatMap((location) =>
    location.pixels && location.views.includes(view)
      ? [mark(location, location.pixels, views.all[view], all.indexOf(location))]
      : [],
  );
}

/**
 * Places of all pieces that go with a box or point of a shown word: its phrase and its marks.
 * @param {Report} report
 * @returns {Set<number>}
 */
export function locatedPlaces({ payload, state, text }) {
  const own = shownPlaces(state).flatMap((at) => locationsAt(payload, text.explained(at)));
  const all = own.length ? text.explainedPlacesOf("answer") : [];
  return new Set(
    all.filter((at) => locationsAt(payload, text.pieces[at]).some((one) => own.includes(one))),
  );
}

/**
 * @param {LocationData} location
 * @param {number[]} pixels
 * @param {{width: number, height: number}} size
 * @param {number} index
 */
function mark({ kind }, [left, top, right, bottom], { width, height }, index) {
  const place = { "--left": (left / width).toFixed(4), "--top": (top / height).toFixed(4) };
  const size =
    kind === "point"
      ? {}
      : {
          "--width": ((right - left) / width).toFixed(4),
          "--height": ((bottom - top) / height).toFixed(4),
        };
  return element("i", { class: `location ${kind}`, "data-location": index, ...place, ...size });
}
