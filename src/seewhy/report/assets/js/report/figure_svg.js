// A figure as SVG, its text as text: as in seewhy/report/figure/drawing.py.

import { context2d, element } from "../shared/dom.js";
import { svgElement } from "../shared/svg.js";
import { BAR_ABOVE, BAR_HEIGHT, BAR_WIDEST, LINE, MARGIN, TITLE_LINE, flow } from "./figure_layout.js";

/** @import {Report} from "./report.js" */
/** @import {FigureContent, Panel} from "./figure_content.js" */
/** @import {Box, Cell} from "./figure_layout.js" */

export const WIDTH_CM = 8.4;
export const DPI = 300;
export const TITLE_SIZE = 8;
export const TEXT_SIZE = 7;
export const LEAST_SIZE = 6;
export const INK = "#1b1a17";
export const SOFT = "#55524b";
export const EDGE = "#b5b1a6";
const FONT = '"DejaVu Sans", Verdana, "Noto Sans", sans-serif';
const BASE = 0.74; // of a line's height: where its base line lies
const BAR_GAP = 0.12;
const OPACITY = 0.8; // of maps, as in overlay.py
const POINTS = 72 / 2.54; // in a centimetre

/** A line of text: its place in centimetres, its room, and how it is written.
 * @typedef {{x: number, top: number, room: number, size?: number, line?: number, colour?: string, anchor?: string}} TextPlace */

/**
 * @param {Report} report
 * @param {FigureContent} content
 * @returns {SVGSVGElement}
 */
export function figureSvg(report, content) {
  const pen = context2d(element("canvas"));
  const most = Math.max(...content.panels.map(({ lines }) => lines.length));
  const aspects = content.panels.map(({ view }) => report.views.aspectRatio(view));
  const { cells, bottom } = flow(aspects, 1 + most, WIDTH_CM);
  const note = wrapped(pen, content.note, WIDTH_CM - 2 * MARGIN);
  const height = bottom + BAR_ABOVE + LINE + LINE * note.length + MARGIN;
  const svg = svgElement("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    width: `${WIDTH_CM}cm`,
    height: `${height.toFixed(3)}cm`,
    viewBox: `0 0 ${number(WIDTH_CM)} ${number(height)}`,
    "font-family": FONT,
  });
  const title = content.words.map((word) => word.title).join(", ");
  svg.append(
    svgElement("title", {}, `${title} · seewhy`),
    svgElement("rect", { width: "100%", height: "100%", fill: "#fff" }),
    ...content.panels.flatMap((panel, i) => panelNodes(report, content, pen, panel, cells[i])),
    ...barNodes(report, content, pen, bottom + BAR_ABOVE),
    ...note.map((line, i) =>
      textNode(pen, line, { x: WIDTH_CM / 2, top: bottom + BAR_ABOVE + (i + 1) * LINE, room: WIDTH_CM }),
    ),
  );
  return svg;
}

/**
 * @param {Report} report
 * @param {FigureContent} content
 * @param {CanvasRenderingContext2D} pen
 * @param {Panel} panel
 * @param {Cell} cell
 */
function panelNodes(report, content, pen, panel, cell) {
  const place = { x: cell.middle, room: cell.textWidth };
  const top = cell.textTop;
  const name = panel.map ? { size: TITLE_SIZE, colour: INK } : {};
  return [
    ...imageNodes(panelImage(report, content, panel, cell.picture), cell.picture, panel.title),
    textNode(pen, panel.title, { ...place, ...name, top, line: TITLE_LINE }),
    ...panel.lines.map((line, i) => textNode(pen, line, { ...place, top: top + TITLE_LINE + i * LINE })),
  ];
}

/**
 * A picture with its map, at the resolution of print, as a data URI.
 * @param {Report} report
 * @param {FigureContent} content
 * @param {Panel} panel
 * @param {Box} box
 */
function panelImage({ painter }, { colours }, { view, map }, box) {
  const canvas = element("canvas", { width: pixels(box.width), height: pixels(box.height) });
  painter.thumbnail(canvas, view, map, { mode: "heat", colours, opacity: OPACITY });
  return canvas.toDataURL("image/png");
}

/**
 * The colour bar between its ends.
 * @param {Report} report
 * @param {FigureContent} content
 * @param {CanvasRenderingContext2D} pen
 * @param {number} top
 */
function barNodes({ painter }, { colours, ends }, pen, top) {
  const [low, high] = ends.map((end) => measured(pen, end, TEXT_SIZE));
  const room = WIDTH_CM - 2 * MARGIN - low - high - 2 * BAR_GAP;
  const width = Math.max(Math.min(room, BAR_WIDEST), 1);
  const left = (WIDTH_CM - (low + high + 2 * BAR_GAP + width)) / 2 + low + BAR_GAP;
  const box = { left, top: top + (LINE - BAR_HEIGHT) / 2, width, height: BAR_HEIGHT };
  return [
    ...imageNodes(barImage(painter.tables[colours]), box, "colour bar"),
    textNode(pen, ends[0], { x: left - BAR_GAP, top, room: WIDTH_CM, anchor: "end" }),
    textNode(pen, ends[1], { x: left + width + BAR_GAP, top, room: WIDTH_CM, anchor: "start" }),
  ];
}

/**
 * A colour map as a picture of one row.
 * @param {Uint8Array} table
 */
function barImage(table) {
  const canvas = element("canvas", { width: table.length / 3, height: 1 });
  const image = new ImageData(canvas.width, 1);
  for (let i = 0; i < canvas.width; i += 1) {
    image.data.set(table.slice(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context2d(canvas).putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
}

/**
 * A picture, and a thin line around it, so that a white one has an edge.
 * @param {string} source
 * @param {Box} box
 * @param {string} name
 */
function imageNodes(source, { left, top, width, height }, name) {
  const place = { x: number(left), y: number(top), width: number(width), height: number(height) };
  const style = { fill: "none", stroke: EDGE, "stroke-width": 0.4 };
  return [
    svgElement("image", { ...place, href: source, preserveAspectRatio: "none", "aria-label": name }),
    svgElement("rect", { ...place, ...style }),
  ];
}

/**
 * A line of text below `top`, smaller or cut where it is wider than its room.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {TextPlace} place
 */
function textNode(pen, text, { x, top, room, size = TEXT_SIZE, line = LINE, colour = SOFT, anchor = "middle" }) {
  const fit = fitted(pen, text, size, room);
  const at = { x: number(x), y: number(top + BASE * line) };
  return svgElement("text", { ...at, "font-size": fit.size, fill: colour, "text-anchor": anchor }, fit.text);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} size
 * @param {number} room
 */
function fitted(pen, text, size, room) {
  const wide = measured(pen, text, size);
  if (wide <= room) return { text, size };
  const small = Math.max(LEAST_SIZE, Math.round(((size * room) / wide - 0.05) * 10) / 10);
  if (measured(pen, text, small) <= room) return { text, size: small };
  const pieces = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  const cut = () => `${pieces.join("").trimEnd()}…`;
  do pieces.pop();
  while (pieces.length && measured(pen, cut(), small) > room);
  return { text: cut(), size: small };
}

/**
 * A text in lines that fit, cut between words.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} room
 */
function wrapped(pen, text, room) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && measured(pen, longer, TEXT_SIZE) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * The width of a line of text in centimetres.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} size in points
 */
function measured(pen, text, size) {
  pen.font = `100px ${FONT}`;
  return ((pen.measureText(text).width / 100) * size) / POINTS;
}

/**
 * Centimetres as points, the unit of the drawing.
 * @param {number} centimetres
 */
const number = (centimetres) => Number((centimetres * POINTS).toFixed(3));

/** @param {number} centimetres */
const pixels = (centimetres) => Math.max(1, Math.round((centimetres / 2.54) * DPI));
