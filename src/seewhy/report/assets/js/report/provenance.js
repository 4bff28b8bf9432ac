// Where the explanation comes from: model, method, versions, pictures.

import { element } from "../shared/dom.js";

/** @import {Report} from "./report.js" */
/** @import {Medium, Views} from "./views.js" */

/** @param {Report} report */
export function renderProvenance({ parts, payload, views }) {
  const { model, family, method, parameters, versions, seconds, created, seed, notes } =
    payload.origin;
  parts.source.textContent = `${model} · ${method}`;
  /** @type {[string, unknown][]} */
  const rows = [
    ["model", `${model} (${family})`],
    ["method", method],
    ["parameters", list(parameters, " = ")],
    ["versions", list(versions, " ")],
    ["time", times(seconds)],
    ["made", created],
    ["seed", seed],
    ...views.media.map((medium) => mediumRow(views, medium)),
    ...notes.filter((note) => !payload.warnings?.includes(note)).map((note) => /** @type {[string, string]} */ (["note", note])),
  ];
  const known = rows.filter(([, value]) => value !== null && value !== "");
  parts.provenance.append(
    ...known.flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, String(value)),
    ]),
  );
}

/** @param {Record<string, number>} seconds */
const times = (seconds) =>
  Object.entries(seconds)
    .map(([stage, s]) => `${stage} ${s.toFixed(2)} s`)
    .join(", ");

/**
 * @param {Record<string, unknown>} values
 * @param {string} between a name and its value
 */
function list(values, between) {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}${between}${typeof value === "object" ? JSON.stringify(value) : value}`,
    )
    .join(", ");
}

/**
 * A picture's or clip's size.
 * @param {Views} views
 * @param {Medium} medium
 * @returns {[string, string]}
 */
function mediumRow(views, medium) {
  const { width, height, grid } = views.all[medium.views[0]];
  const count = medium.views.length;
  const steps = medium.clip ? `${count} ${count > 1 ? "steps" : "step"}, ` : "";
  const cells = `${grid.columns.length - 1} × ${grid.rows.length - 1}`;
  return [medium.name, `${steps}${width} × ${height} px, grid ${cells}`];
}
