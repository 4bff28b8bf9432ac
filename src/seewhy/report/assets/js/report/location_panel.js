// What is told of the boxes and points of the answer: a list of all, and those of one word.

import { element } from "../shared/dom.js";
import { capitalize, unbroken } from "../shared/text.js";
import { block } from "./detail_parts.js";
import { fitText, locationName, locationsAt, locationsIn, whereabouts } from "./locations.js";

/** @import {LocationData} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */

/**
 * The list below the answer: a click looks at the phrase, or at the coordinates.
 * @param {Report} report
 */
export function renderLocationList(report) {
  const { parts, payload } = report;
  const all = locationsIn(payload);
  parts.locations.hidden = !all.length;
  const rows = all.map((location, index) => row(report, location, index));
  parts.locationList.replaceChildren(...rows);
}

/**
 * @param {Report} report
 * @param {LocationData} location
 * @param {number} index
 */
function row(report, location, index) {
  const { payload, views } = report;
  const several = views.media.length > 1 && location.views.length > 0;
  const where = several ? ` in ${views.nameInText(location.views[0])}` : "";
  const name = capitalize(locationName(payload, location));
  return element(
    "li",
    { "data-location": index },
    element("i", { class: `location-sample ${location.kind}`, "aria-hidden": "true" }),
    element("span", { class: "location-name" }, `${name}: ${whereabouts(location)}${where}`),
    location.phrase_tokens.length ? button(report, location.phrase_tokens, "phrase", name) : null,
    location.number_tokens.length ? button(report, location.number_tokens, "numbers", name) : null,
  );
}

/**
 * @param {Report} report
 * @param {number[]} tokens
 * @param {string} what
 * @param {string} name
 */
function button(report, tokens, what, name) {
  const onclick = () => {
    const at = placeOf(report, tokens);
    if (at >= 0) report.actions.choose(at);
  };
  const title = `Show the map of the ${what}: ${name}`;
  return element("button", { type: "button", onclick, "aria-label": title }, what);
}

/**
 * The place on the text axis whose piece has the most evidence in the pictures, of some tokens.
 * @param {Report} report
 * @param {number[]} tokens
 */
function placeOf({ text }, tokens) {
  const own = text
    .explainedPlacesOf("answer")
    .filter((at) => text.unit(at).tokens.some((token) => tokens.includes(token)));
  if (!own.length) return -1;
  return own.reduce((best, at) => (text.unit(at).brightness > text.unit(best).brightness ? at : best));
}

/**
 * What a word's boxes and points are, and how well its maps fit them; nothing where it has none.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function locationBlock(report, piece) {
  const own = locationsAt(report.payload, piece);
  if (!own.length) return [];
  const entries = own.map((location) => entry(report, location));
  const facts = { class: "location-facts", id: report.id("location-facts") };
  return [block("Box or point", element("ul", facts, ...entries))];
}

/**
 * @param {Report} report
 * @param {LocationData} location
 */
function entry({ payload }, location) {
  const { convention, coordinates_fit, notes, numbers, phrase_fit } = location;
  const counted = convention ? ` Written ${numbers.join(", ")} (${convention}).` : "";
  const facts = [
    `${capitalize(locationName(payload, location))}: ${whereabouts(location)}.${counted}`,
    phrase_fit && `The phrase: ${fitText(location, phrase_fit)}.`,
    coordinates_fit && `The coordinates: ${fitText(location, coordinates_fit)}.`,
    ...notes,
  ];
  const lines = facts.flatMap((fact) => (fact ? [element("p", {}, unbroken(fact))] : []));
  return element("li", {}, ...lines);
}

/**
 * One sentence for a screen reader on what a word's boxes and points are; empty where it has none.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function locationSentence({ payload }, piece) {
  const own = locationsAt(payload, piece);
  const told = own.map((one) => `${capitalize(locationName(payload, one))}: ${whereabouts(one)}.`);
  return told.map((sentence) => ` ${sentence}`).join("");
}
