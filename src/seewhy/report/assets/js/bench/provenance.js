// Where the figures come from: the run, its settings and versions.

import { element } from "../shared/dom.js";

/** @import {Bench} from "./bench.js" */

/** @param {Bench} bench */
export function renderProvenance({ parts, payload }) {
  const { versions = {}, ...made } = payload.made;
  const rows = [
    ...Object.entries(made),
    [
      "versions",
      Object.entries(versions)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ],
    ...Object.entries(payload.settings),
    ["reference", payload.reference],
  ];
  const known = rows.filter(([, value]) => value !== "");
  parts.provenance.replaceChildren(
    ...known.flatMap(([name, value]) => [
      element("dt", {}, String(name).replaceAll("_", " ")),
      element("dd", {}, String(value)),
    ]),
  );
}
