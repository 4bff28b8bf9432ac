// Where the figures come from: the run, its settings and versions.

import { renderFacts } from "../shared/sections.js";

/** @import {Bench} from "./bench.js" */

/** @param {Bench} bench */
export function renderProvenance({ parts, payload }) {
  const { versions = {}, ...made } = payload.made;
  const named = Object.entries(versions).map(([name, value]) => `${name} ${value}`);
  renderFacts(parts.provenance, [
    ...Object.entries(made),
    ["versions", named.join(", ")],
    ...Object.entries(payload.settings),
    ["reference", payload.reference],
  ]);
}
