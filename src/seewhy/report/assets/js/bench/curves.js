// Curves of methods, each with the band of its interval.

import { element } from "../shared/dom.js";
import { svgElement } from "../shared/svg.js";
import { settingsOf, threeDigits } from "./format.js";
import { axes, plot, ticks, xPosition, yPosition } from "./plot.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchCurve, BenchLine} from "./payload.d.ts" */
/** @typedef {(value: number) => number} Position */

const SIZE = { width: 460, height: 300 };
const FIRST_METHODS = 4; // drawn at first, besides the reference and the controls

/** @param {Bench} bench */
export function renderCurves(bench) {
  const { parts, state, view } = bench;
  const methods = [
    ...new Set(view.curves.flatMap(({ lines }) => lines.map(({ method }) => method))),
  ];
  const drawn = state.curves ?? firstMethods(bench, methods);
  state.curves = drawn;
  parts.curvesPart.hidden = !view.curves.length;
  parts.curveMethods.replaceChildren(
    ...methods.map((method) => methodButton(bench, method, drawn)),
  );
  parts.curves.replaceChildren(...view.curves.map((curve) => curveFigure(bench, curve, drawn)));
}

/**
 * The reference, the controls and the last methods: more at once could not be told apart.
 * @param {Bench} bench
 * @param {string[]} methods
 */
function firstMethods(bench, methods) {
  const isControl = (/** @type {string} */ method) =>
    method === bench.payload.reference || method === "random" || bench.isModel(method);
  const others = methods.filter((method) => !isControl(method));
  return new Set([...methods.filter(isControl), ...others.slice(-FIRST_METHODS)]);
}

/**
 * @param {Bench} bench
 * @param {string} method
 * @param {Set<string>} drawn
 */
function methodButton(bench, method, drawn) {
  const attributes = {
    type: "button",
    "aria-pressed": String(drawn.has(method)),
    "--hue": bench.colourOf(method),
  };
  const onclick = () => {
    if (!drawn.delete(method)) drawn.add(method);
    renderCurves(bench);
    const buttons = [...bench.parts.curveMethods.querySelectorAll("button")];
    buttons.find((button) => button.textContent === method)?.focus();
  };
  return element("button", { ...attributes, onclick }, method);
}

/**
 * @param {Bench} bench
 * @param {BenchCurve} curve
 * @param {Set<string>} drawn
 */
function curveFigure(bench, curve, drawn) {
  const lines = curve.lines.filter(({ method }) => drawn.has(method)).map(measuredPoints);
  const [x, y] = scalesOf(curve, lines);
  const name = `${curve.name} of ${lines.map(({ method }) => method).join(", ")}`;
  const shapes = lines.flatMap((line) =>
    curveShapes(line, bench.colourOf(line.method), x.position, y.position),
  );
  return element(
    "figure",
    {},
    element("figcaption", {}, `${curve.name}${settingsOf(curve.metric)}`),
    plot(SIZE, name, [...axes(SIZE, x, y, threeDigits), ...shapes]),
  );
}

/**
 * A line's points with a value; a missing end of an interval is the value itself.
 * @param {BenchLine} line
 */
function measuredPoints({ method, points }) {
  const measured = points.flatMap(([x, value, low, high]) =>
    x === null || value === null ? [] : [{ x, value, low: low ?? value, high: high ?? value }],
  );
  return { method, points: measured };
}

/** @typedef {ReturnType<typeof measuredPoints>} MeasuredLine */

/**
 * @param {BenchCurve} curve
 * @param {MeasuredLine[]} lines
 */
function scalesOf(curve, lines) {
  const points = lines.flatMap((line) => line.points);
  const [xs, ys] = [points.map(({ x }) => x), points.flatMap(({ low, high }) => [low, high])];
  const [xLow, xHigh] = [Math.min(0, ...xs), Math.max(0.01, ...xs)];
  const [yLow, yHigh] = [Math.min(0, ...ys), Math.max(0.01, ...ys)];
  const name = curve.name.includes("curve") ? "share of the picture or context" : "at";
  return [
    { position: xPosition(xLow, xHigh, SIZE.width), ticks: ticks(xLow, xHigh), name },
    { position: yPosition(yLow, yHigh, SIZE.height), ticks: ticks(yLow, yHigh), name: "" },
  ];
}

/**
 * @param {MeasuredLine} line
 * @param {string} colour
 * @param {Position} x
 * @param {Position} y
 */
function curveShapes({ method, points }, colour, x, y) {
  const up = points.map((point) => `${x(point.x)},${y(point.high)}`);
  const down = points.map((point) => `${x(point.x)},${y(point.low)}`).reverse();
  const middle = points.map((point) => `${x(point.x)},${y(point.value)}`);
  const band = svgElement("polygon", { class: "band", points: [...up, ...down].join(" ") });
  const title = svgElement("title", {}, method);
  const line = svgElement("polyline", { class: "line", points: middle.join(" ") }, title);
  // The page's policy forbids style attributes, not the object model.
  band.style.fill = colour;
  line.style.stroke = colour;
  return [band, line];
}
