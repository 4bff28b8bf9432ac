// The element that holds one mount: nothing outside it is changed.

import { element } from "./dom.js";

let mounts = 0;

/**
 * Make the element of a mount. Styles hold below the class `seewhy`: a page that is all ours has it
 * on its html element, elsewhere each mount has it.
 * @param {Element} container where the mount goes
 * @param {string} kind class of the mount
 * @param {string | undefined} idPrefix of every id inside; a number of its own by default
 */
export function mountRoot(container, kind, idPrefix) {
  mounts += 1;
  const prefix = idPrefix ?? `seewhy-${mounts}-`;
  const page = container.closest(".seewhy");
  const root = element("div", { class: page ? kind : `seewhy ${kind}` });
  container.append(root);
  return {
    root,
    themed: page instanceof HTMLElement ? page : root,
    /** @param {string} name */
    id: (name) => prefix + name,
  };
}
