// The shown entry in the page's address: #entry=ID. The report adds the word to it.

/** @import {AppOptions} from "./types.d.ts" */

/** The entry that the address names, or null. */
export function entryInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("entry");
}

/**
 * Name an entry in the address, so that Back leads to the one before. An address that names it
 * already keeps its word.
 * @param {AppOptions} options
 * @param {string | null} id
 * @param {boolean} isFirst whether it takes the place of an address that was never looked at
 */
export function writeEntry({ deepLinks }, id, isFirst) {
  if (!deepLinks || entryInAddress() === id) return;
  const hash = id === null ? "" : `#entry=${encodeURIComponent(id)}`;
  const address = `${location.pathname}${location.search}${hash}`;
  try {
    if (isFirst) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  } catch {
    // A frame without an address of its own refuses; the app works without.
  }
}
