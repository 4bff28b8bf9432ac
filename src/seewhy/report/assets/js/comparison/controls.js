// What can be chosen for all columns: the scale of their maps, and the view.

import { element } from "../shared/dom.js";
import { radios } from "../shared/radios.js";
import { capitalize } from "../shared/text.js";
import { fillSelect } from "../shared/select.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {Scale} from "./types.d.ts" */

/** @type {{value: Scale, label: string}[]} */
const SCALES = [
  { value: "answer", label: "Whole answer" },
  { value: "word", label: "This word alone" },
];

/** @param {Comparison} comparison */
export function makeControls(comparison) {
  const { id, model } = comparison;
  const title = element("span", { id: id("scale-title") }, "Scale of the maps");
  const segments = element("div", {
    class: "segments",
    role: "radiogroup",
    "aria-labelledby": title.id,
  });
  const scale = radios(segments, SCALES, comparison.state.scale, (value) =>
    comparison.set({ scale: value === "word" ? "word" : "answer" }),
  );
  const views = viewSelect(comparison);
  const note = element("span", { class: "scale-note" }, scaleNote(comparison));
  const node = element("div", { class: "controls" }, title, segments, note, views?.label ?? null);
  /** Show what is chosen, after it was read from the address. */
  const show = () => {
    for (const button of segments.querySelectorAll("button")) {
      const isOn = button.dataset.value === comparison.state.scale;
      button.setAttribute("aria-checked", String(isOn));
      button.tabIndex = isOn ? 0 : -1;
    }
    if (views) views.select.value = String(comparison.state.view ?? "");
  };
  return { node, scale, show, hasViews: model.columns.some((column) => column.views.length > 1) };
}

/** @param {Comparison} comparison */
function scaleNote({ model }) {
  if (!model.hasOwnScales) return "one for all columns";
  return "methods have different units: each has its own";
}

/** @param {Comparison} comparison */
function viewSelect(comparison) {
  const longest = comparison.model.columns
    .map(({ views }) => views)
    .reduce((best, views) => (views.length > best.length ? views : best));
  if (longest.length < 2) return null;
  const select = element("select", { id: comparison.id("view") });
  /** @type {[string, string][]} */
  const pairs = longest.map(({ name }, view) => [String(view), capitalize(name)]);
  fillSelect(select, [["", "where the word is brightest"], ...pairs]);
  select.addEventListener("change", () =>
    comparison.set({ view: select.value === "" ? null : Number(select.value) }),
  );
  return { select, label: element("label", {}, "Picture ", select) };
}
