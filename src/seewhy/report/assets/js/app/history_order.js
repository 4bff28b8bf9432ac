// The order of entries: each beside the one that it was made from.

/** @import {Entry} from "./types.d.ts" */
/** @typedef {{entry: Entry, depth: number, parent: Entry | null}} Placed */

/**
 * Entries in the order in which they were made, and after each those that were made from it.
 * @param {Entry[]} entries
 * @returns {Placed[]}
 */
export function familyOrder(entries) {
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  /** @type {Map<string | null, Entry[]>} */
  const children = new Map();
  for (const entry of entries) {
    const parent = parentOf(entry, known)?.id ?? null;
    children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  /** @type {Placed[]} */
  const order = [];
  /** @param {Entry | null} parent @param {number} depth */
  const visit = (parent, depth) => {
    for (const entry of children.get(parent?.id ?? null) ?? []) {
      order.push({ entry, depth, parent });
      visit(entry, depth + 1);
    }
  };
  visit(null, 0);
  return order;
}

/**
 * The entry that one was made from, if it is still there. A chain that leads back to itself, which
 * no honest server tells, has no beginning: its entries stand alone.
 * @param {Entry} entry
 * @param {Map<string, Entry>} known
 */
function parentOf(entry, known) {
  const parent = entry.parent === null ? undefined : known.get(entry.parent);
  for (let at = parent, steps = 0; at; at = known.get(at.parent ?? ""), steps += 1)
    if (at === entry || steps > known.size) return undefined;
  return parent;
}
