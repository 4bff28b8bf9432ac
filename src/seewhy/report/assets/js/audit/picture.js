// A picture with a word's map over it, painted when it comes into sight.

import { context2d, element } from "../shared/dom.js";
import { decodeBase64, label, point } from "../shared/text.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditAnswer, AuditMap, AuditWord} from "./payload.d.ts" */

/** Pixels of a painted map along the picture's longer side. */
const SIDE = 320;
const STYLE = { mode: "heat", colours: "inferno", opacity: 0.8 };

/**
 * @param {Audit} audit
 * @param {AuditWord} word
 * @param {AuditAnswer} answer
 */
export function picture(audit, word, answer) {
  const { picture: source, width, height } = answer;
  if (!source) return element("div", { class: "frame empty" }, "no picture stored");
  const image = element("img", { src: source, alt: name(word, answer), loading: "lazy" });
  const frame = element("div", { class: "frame" }, image);
  if (!width || !height) return frame;
  frame.style.setProperty("--ratio", String(width / height));
  if (word.map) frame.append(painted(audit, word.map, word.answer));
  if (word.map && word.peak) frame.append(ring(word.peak, answer));
  return frame;
}

/**
 * @param {AuditWord} word
 * @param {AuditAnswer} answer
 */
function name({ text, peak, map }, { image, id }) {
  if (!map) return `Picture ${image || id}`;
  const where = peak ? `; its highest point is at pixel ${point(peak)}` : "";
  return `Picture ${image || id} with the map of “${label(text)}”${where}`;
}

/**
 * @param {Audit} audit
 * @param {AuditMap} map
 * @param {number} answer
 */
function painted({ painter, payload, state }, map, answer) {
  const { width, height, rows, columns } = payload.answers[answer];
  const scale = SIDE / Math.max(width, height);
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const canvas = element("canvas", { ...size, "aria-hidden": "true" });
  const isAlone = state.picture === "alone";
  const display = {
    ...displayMap(map, isAlone),
    rows: edges(rows, map.height, height),
    columns: edges(columns, map.width, width),
  };
  const overlay = painter.overlay(size, answer, display, STYLE);
  context2d(canvas).putImageData(overlay, 0, 0);
  return canvas;
}

/**
 * @param {AuditMap} map
 * @param {boolean} isAlone displayed in the map's own range; else in that of its whole answer, as it is stored
 */
function displayMap(map, isAlone) {
  const levels = decodeBase64(map.data);
  const top = isAlone ? levels.reduce((most, level) => Math.max(most, level), 1) : 255;
  const values = Float32Array.from(levels, (v) => v / top);
  return { values, height: map.height, width: map.width };
}

/**
 * The stored edges of cells, or those of equal cells over the whole picture.
 * @param {number[]} stored
 * @param {number} count
 * @param {number} size
 */
const edges = (stored, count, size) =>
  stored.length === count + 1
    ? stored
    : Array.from({ length: count + 1 }, (_, i) => (size * i) / count);

/**
 * @param {[number, number]} peak
 * @param {AuditAnswer} answer
 */
const ring = ([x, y], { width, height }) =>
  element("i", { class: "peak", "aria-hidden": "true", "--x": x / width, "--y": y / height });
