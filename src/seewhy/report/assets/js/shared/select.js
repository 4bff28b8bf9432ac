// Select elements whose options change.

import { element } from "./dom.js";

/**
 * Offer values and their names; what was chosen stays chosen where it is still offered.
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} pairs of value and name
 * @param {string} [first] chosen where nothing was, or the first of all
 */
export function fillSelect(select, pairs, first = pairs[0]?.[0] ?? "") {
  const chosen = pairs.some(([value]) => value === select.value) ? select.value : first;
  select.replaceChildren(
    ...pairs.map(([value, name]) => element("option", { value, selected: value === chosen }, name)),
  );
  select.value = chosen;
}
