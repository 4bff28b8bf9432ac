// Plots as SVG: scales, ticks and axes.

import { svgElement } from "../shared/svg.js";

/**
 * One direction of a plot. `position` maps a value to pixels.
 * @typedef {object} Scale
 * @property {(value: number) => number} position
 * @property {number[]} ticks
 * @property {string} name
 */

/** Free space around a plot in pixels, for its ticks and names. */
export const MARGIN = { left: 56, right: 24, top: 12, bottom: 44 };

/**
 * Where a value lies between two ends, from 0 to 1.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
const fraction = (value, low, high) => (value - low) / (high - low);

/**
 * A horizontal position in a plot.
 * @param {number} share of the way, from 0 to 1
 * @param {number} width
 */
const across = (share, width) => MARGIN.left + share * (width - MARGIN.left - MARGIN.right);

/**
 * A horizontal scale.
 * @param {number} low
 * @param {number} high
 * @param {number} width
 */
export const xPosition = (low, high, width) => (/** @type {number} */ value) =>
  across(fraction(value, low, high), width);

/**
 * A horizontal scale whose decades are equally wide.
 * @param {number} low
 * @param {number} high
 * @param {number} width
 */
export const logPosition = (low, high, width) => (/** @type {number} */ value) =>
  across(fraction(Math.log(value), Math.log(low), Math.log(high)), width);

/**
 * A vertical scale.
 * @param {number} low
 * @param {number} high
 * @param {number} height
 */
export const yPosition = (low, high, height) => (/** @type {number} */ value) =>
  height - MARGIN.bottom - fraction(value, low, high) * (height - MARGIN.top - MARGIN.bottom);

/**
 * Round numbers between two ends.
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high) {
  const raw = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((part) => part * power >= raw) ?? 10);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) {
    found.push(Number(at.toPrecision(12)));
  }
  return found;
}

/**
 * Powers of ten between two ends, with twice and five times each where there is room.
 * @param {number} low
 * @param {number} high
 */
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first + 1;
  const powers = Array.from({ length: count }, (_, i) => 10 ** (first + i));
  const all = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  const inside = all.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length > 8 ? inside.filter(isPowerOfTen) : inside;
}

/** @param {number} value */
const isPowerOfTen = (value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6);

/**
 * The lines, numbers and names of both axes.
 * @param {{width: number, height: number}} size
 * @param {Scale} x
 * @param {Scale} y
 * @param {(value: number) => string} format
 */
export function axes({ width, height }, x, y, format) {
  const bottom = height - MARGIN.bottom;
  const middle = { x: (MARGIN.left + width - MARGIN.right) / 2, y: (MARGIN.top + bottom) / 2 };
  return [
    ...x.ticks.flatMap((at) =>
      tick(
        x.position(at),
        x.position(at),
        MARGIN.top,
        bottom,
        text(x.position(at), bottom + 16, "middle", format(at)),
      ),
    ),
    ...y.ticks.flatMap((at) =>
      tick(
        MARGIN.left,
        width - MARGIN.right,
        y.position(at),
        y.position(at),
        text(MARGIN.left - 8, y.position(at) + 4, "end", format(at)),
      ),
    ),
    text(middle.x, height - 6, "middle", x.name),
    text(12, middle.y, "middle", y.name, `rotate(-90 12 ${middle.y})`),
  ];
}

/**
 * A line across the plot, and its number.
 * @param {number} x1
 * @param {number} x2
 * @param {number} y1
 * @param {number} y2
 * @param {SVGElement} number
 */
const tick = (x1, x2, y1, y2, number) => [
  svgElement("line", { class: "grid", x1, x2, y1, y2 }),
  number,
];

/**
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 * @param {string} content
 * @param {string | null} [transform]
 */
const text = (x, y, anchor, content, transform = null) =>
  svgElement("text", { x, y, "text-anchor": anchor, transform }, content);

/**
 * A whole plot.
 * @param {{width: number, height: number}} size
 * @param {string} name for who cannot see it
 * @param {SVGElement[]} drawn
 */
export const plot = ({ width, height }, name, drawn) =>
  svgElement(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name },
    ...drawn,
  );
