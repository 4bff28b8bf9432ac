// The legend of the marks of verdicts, and a verdict in a few words.

import { element } from "../shared/dom.js";
import { percent } from "../shared/text.js";
import { SOURCES, meaning, verdictMark } from "../shared/verdict_marks.js";
import { isDoubtful } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {VerdictData} from "./payload.d.ts" */

/**
 * A verdict in a few words.
 * @param {VerdictData} verdict
 */
export const verdictLabel = ({ source, support }) =>
  `${meaning(source)}, support ${percent(support)}`;

/**
 * The legend: the sources that occur, and how many words have each.
 * @param {Report} report
 */
export function renderVerdictLegend({ parts, payload }) {
  const verdicts = (payload.verdicts ?? []).flatMap((verdict) => (verdict ? [verdict] : []));
  parts.verdictLegend.hidden = !verdicts.length;
  const sources = new Set([...Object.keys(SOURCES), ...verdicts.map(({ source }) => source)]);
  const entries = [...sources].flatMap((source) => {
    const count = verdicts.filter((verdict) => verdict.source === source).length;
    const number = element("span", { class: "number" }, String(count));
    return count ? [element("li", {}, verdictMark(source), meaning(source), " ", number)] : [];
  });
  const doubt = element("li", {}, element("i", { class: "doubt-sample" }), "support below 50 %");
  parts.verdictLegend.replaceChildren(...entries, ...(verdicts.some(isDoubtful) ? [doubt] : []));
}
