// The place of a page in a cell: a shadow root keeps the notebook's styles out and ours in, and the
// page follows the theme of the notebook.

import { element } from "../shared/dom.js";

/** Attributes by which notebooks say their theme: JupyterLab, VS Code, Colab, marimo. */
const SIGNS = ["class", "style", "theme", "data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];

/**
 * Make the place, out of sight until the page is drawn: until then the static picture stays.
 * @param {ShadowRoot} root
 * @param {string} style all rules of the page
 * @param {number} height of the page in CSS pixels, at most
 */
export function makePlace(root, style, height) {
  const place = element("div", { class: "seewhy cell-page", "--cell-height": `${height}px` });
  const frame = element("div", { class: "cell-frame drawing" }, place);
  const rules = element("style", {}, style);
  const before = [...root.childNodes];
  const follow = () => {
    place.dataset.theme = themeOf(root.host);
  };
  follow();
  const observer = new MutationObserver(follow);
  for (const node of [document.documentElement, document.body])
    observer.observe(node, { attributes: true, attributeFilter: SIGNS });
  root.append(rules, frame);
  const reveal = () => {
    for (const node of before) node.remove();
    frame.classList.remove("drawing");
    place.dataset.ready = "";
  };
  const clear = () => {
    observer.disconnect();
    rules.remove();
    frame.remove();
  };
  return { place, reveal, clear };
}

/**
 * Light or dark, by the ground that a place stands on.
 * @param {Element} place
 * @returns {"light" | "dark"}
 */
export function themeOf(place) {
  for (let node = /** @type {Element | null} */ (place); node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    const [red, green, blue, alpha = 1] = (colour.match(/[\d.]+/gu) ?? []).map(Number);
    if (blue !== undefined && alpha > 0.5 && colour.startsWith("rgb"))
      return 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
  }
  return "light";
}
