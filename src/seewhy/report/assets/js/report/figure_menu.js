// The button "Figure": what is looked at as a file for a paper, made in the page without a server.

import { context2d, element } from "../shared/dom.js";
import { announceText } from "./announcement.js";
import { figureContent } from "./figure_content.js";
import { figureTex } from "./figure_latex.js";
import { DPI, WIDTH_CM, figureSvg } from "./figure_svg.js";
import { fileStem } from "./figure_texts.js";

/** @import {Report} from "./report.js" */
/** @typedef {"svg" | "png" | "tex"} Format */
/** @typedef {ReturnType<typeof connectFigureMenu>} FigureMenu */

const KEPT_MS = 60_000; // a browser may ask where to save before it reads

/** @type {[Format, string, string][]} */
const FORMATS = [
  ["svg", "SVG", "text stays text"],
  ["png", "PNG", `${DPI} dots per inch`],
  ["tex", "LaTeX", "with a caption"],
];

/**
 * Put the button into the bar on top, and its panel below it.
 * @param {Report} report
 */
export function connectFigureMenu(report) {
  const { id, parts, root, signal } = report;
  const about = element("p", { class: "figure-about", id: id("figure-about") });
  const panel = element(
    "div",
    { class: "figure-panel", id: id("figure-panel"), role: "group", "aria-labelledby": about.id, hidden: true },
    about,
    ...FORMATS.map(([format, name, what]) =>
      element(
        "button",
        { type: "button", "data-format": format, onclick: () => void saveAs(format) },
        element("b", {}, name),
        ` ${what}`,
      ),
    ),
  );
  const button = element(
    "button",
    {
      type: "button",
      class: "figure-button",
      id: id("figure"),
      "aria-expanded": "false",
      "aria-controls": panel.id,
      "aria-label": "Figure",
      title: "A figure for a paper (G)",
      onclick: () => toggle(),
    },
    element("i", { class: "icon" }),
    element("span", {}, "Figure"),
  );
  const node = element("div", { class: "figure-menu" }, button, panel);
  parts.theme.before(node);
  let opened = new AbortController();

  /** @param {boolean} isOpen */
  function toggle(isOpen = panel.hidden) {
    if (isOpen && !report.text.isExplained(report.state.current)) return;
    if (isOpen) about.textContent = describe(report);
    panel.hidden = !isOpen;
    opened.abort();
    opened = new AbortController();
    const both = { signal: AbortSignal.any([signal, opened.signal]) };
    if (isOpen) root.ownerDocument.addEventListener("pointerdown", closeFromOutside, both);
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) panel.querySelector("button")?.focus();
    else if (panel.contains(root.ownerDocument.activeElement)) button.focus();
  }

  /** @param {Format} format */
  async function saveAs(format) {
    const content = figureContent(report);
    const stem = fileStem(content.words.map(({ title }) => title));
    toggle(false);
    button.focus();
    try {
      download(await fileOf(report, format), `${stem}.${format}`, root);
      announceText(report, `Saved ${stem}.${format}.`);
    } catch (error) {
      announceText(report, `The figure could not be made: ${error}`);
      throw error;
    }
  }

  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    toggle(false);
    button.focus();
  });
  /** @param {Event} event */
  function closeFromOutside(event) {
    if (!event.composedPath().includes(node)) toggle(false);
  }

  return { button, panel, toggle };
}

/**
 * The words of the figure, in a sentence.
 * @param {Report} report
 */
function describe(report) {
  const { words } = figureContent(report);
  return `Figure of ${words.map(({ title }) => `“${title}”`).join(" and ")}`;
}

/**
 * @param {Report} report
 * @param {Format} format
 * @returns {Promise<Blob>}
 */
export async function fileOf(report, format) {
  const content = figureContent(report);
  const stem = fileStem(content.words.map(({ title }) => title));
  if (format === "tex")
    return new Blob([figureTex(report.payload, content, stem, WIDTH_CM)], { type: "application/x-tex" });
  const svg = figureSvg(report, content);
  const text = `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
  return format === "svg" ? new Blob([text], { type: "image/svg+xml" }) : drawn(text, svg);
}

/**
 * A drawing as PNG, on white.
 * @param {string} text
 * @param {SVGSVGElement} svg
 * @returns {Promise<Blob>}
 */
async function drawn(text, svg) {
  const image = new Image();
  // The page's policy allows pictures from data alone.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const { width, height } = svg.viewBox.baseVal;
  const scale = DPI / 72;
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const canvas = element("canvas", size);
  context2d(canvas).drawImage(image, 0, 0, size.width, size.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png");
  });
}

/**
 * @param {Blob} blob
 * @param {string} name
 * @param {HTMLElement} root
 */
function download(blob, name, root) {
  const href = URL.createObjectURL(blob);
  const link = element("a", { href, download: name, hidden: true });
  root.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}
