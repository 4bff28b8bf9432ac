// Quality against cost: a point for each method, costs on a logarithmic axis.

import { element } from "../shared/dom.js";
import { fillSelect } from "../shared/select.js";
import { svgElement } from "../shared/svg.js";
import { describe, formatValue, threeDigits, titleOf, unitOf } from "./format.js";
import { axes, logPosition, logTicks, plot, ticks, yPosition } from "./plot.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchCell, BenchColumn} from "./payload.d.ts" */

/**
 * A method's figures in the units that are shown, and the cells that they are of.
 * @typedef {object} Measured
 * @property {BenchCell} cell
 * @property {BenchCell} costCell
 * @property {number} quality
 * @property {number} low
 * @property {number} high
 * @property {number} cost
 */
/**
 * A method's point in pixels, and all that is known about it.
 * @typedef {object} Point
 * @property {string} method
 * @property {string} colour
 * @property {number} x
 * @property {number} y
 * @property {number} low
 * @property {number} high
 * @property {string} title
 */

const SIZE = { width: 900, height: 430 };
/** The costs to choose from at first: the first of them that was measured. */
const COSTS = ["seconds-ratio", "seconds", "forward-ratio", "forward"];

/** @param {Bench} bench */
export function connectCharts(bench) {
  const { quality, cost } = bench.parts;
  for (const select of [quality, cost]) select.addEventListener("change", () => renderChart(bench));
}

/**
 * Offer the figures that more than one method has in the view that is shown.
 * @param {Bench} bench
 */
export function updateChartChoices(bench) {
  const { columns } = bench.payload;
  const measured = columns.map((_, at) => at).filter((at) => bench.cellsOf(at).length > 1);
  const isCost = (/** @type {number} */ at) => columns[at].metric.startsWith("cost");
  const named = (/** @type {number[]} */ list) =>
    list.map((at) => /** @type {[string, string]} */ ([String(at), titleOf(columns[at])]));
  const costs = measured.filter(isCost);
  const first = COSTS.map((name) => costs.find((at) => columns[at].name === name)).find(
    (at) => at !== undefined,
  );
  fillSelect(bench.parts.quality, named(measured.filter((at) => !isCost(at))));
  fillSelect(bench.parts.cost, named(costs), first === undefined ? undefined : String(first));
}

/** @param {Bench} bench */
export function renderChart(bench) {
  const { chart, quality, cost } = bench.parts;
  const measured =
    quality.value && cost.value
      ? measuredCells(bench, Number(quality.value), Number(cost.value))
      : [];
  if (measured.length < 2) {
    const none = "No two methods have both a quality and a cost here.";
    chart.replaceChildren(element("p", { class: "intro" }, none));
    return;
  }
  const { columns } = bench.payload;
  chart.replaceChildren(
    chartOf(bench, measured, columns[Number(quality.value)], columns[Number(cost.value)]),
  );
}

/**
 * The methods that have both figures.
 * @param {Bench} bench
 * @param {number} quality place of a column
 * @param {number} cost place of a column
 * @returns {Measured[]}
 */
function measuredCells(bench, quality, cost) {
  const { columns } = bench.payload;
  const costs = new Map(bench.cellsOf(cost).map((cell) => [cell.method, cell]));
  return bench.cellsOf(quality).flatMap((cell) => {
    const costCell = costs.get(cell.method);
    if (cell.value === null || !costCell?.value || costCell.value < 0) return [];
    const ends = [cell.value, cell.low ?? cell.value, cell.high ?? cell.value];
    const [middle, low, high] = ends.map((value) => value * columns[quality].scale);
    return [
      { cell, costCell, quality: middle, low, high, cost: costCell.value * columns[cost].scale },
    ];
  });
}

/**
 * @param {Bench} bench
 * @param {Measured[]} measured
 * @param {BenchColumn} quality
 * @param {BenchColumn} cost
 */
function chartOf(bench, measured, quality, cost) {
  const [x, y] = scalesOf(measured, quality, cost);
  const points = measured.map((one) => ({
    method: one.cell.method,
    colour: bench.colourOf(one.cell.method),
    x: x.position(one.cost),
    y: y.position(one.quality),
    low: y.position(one.low),
    high: y.position(one.high),
    title: pointTitle(one, quality, cost, bench.payload.reference),
  }));
  points.sort((a, b) => a.y - b.y); // best first: its name stays beside its point
  const lines = nameLines(points);
  const shapes = points.flatMap((point, i) => pointShapes(point, lines[i]));
  const compared = `${titleOf(quality)} against ${titleOf(cost)}`;
  const name = `${compared} of ${points.length} methods; the numbers stand in the table.`;
  return plot(SIZE, name, [...axes(SIZE, x, y, threeDigits), ...shapes]);
}

/**
 * @param {Measured} measured
 * @param {BenchColumn} quality
 * @param {BenchColumn} cost
 * @param {string} reference
 */
function pointTitle({ cell, costCell }, quality, cost, reference) {
  const price = `${titleOf(cost)}: ${formatValue(costCell.value, cost)} ${unitOf(cost)}`;
  return [cell.method, describe(cell, quality, reference), price].join("\n");
}

/**
 * @param {Measured[]} measured
 * @param {BenchColumn} quality
 * @param {BenchColumn} cost
 */
function scalesOf(measured, quality, cost) {
  const xs = measured.map((one) => one.cost);
  const [xLow, xHigh] = [Math.min(...xs) / 1.3, Math.max(...xs) * 1.9];
  const ends = measured.flatMap(({ low, high }) => [low, high]);
  const [lowest, highest] = [Math.min(...ends), Math.max(...ends)];
  const pad = (highest - lowest) * 0.06 || 1;
  const [yLow, yHigh] = [lowest - pad, highest + pad];
  return [
    {
      position: logPosition(xLow, xHigh, SIZE.width),
      ticks: logTicks(xLow, xHigh),
      name: `${titleOf(cost)} (${unitOf(cost)}, logarithmic)`,
    },
    {
      position: yPosition(yLow, yHigh, SIZE.height),
      ticks: ticks(yLow, yHigh),
      name: `${titleOf(quality)} (${unitOf(quality)})`,
    },
  ];
}

/**
 * Heights of the points' names: each moves down until it covers none that was placed before.
 * @param {Point[]} points
 */
function nameLines(points) {
  /** @type {[number, number][]} */
  const taken = [];
  return points.map(({ x, y }) => {
    let line = y + 4;
    while (taken.some(([ox, oy]) => Math.abs(ox - x) < 120 && Math.abs(oy - line) < 13)) line += 13;
    taken.push([x, line]);
    return line;
  });
}

/**
 * A point with its interval and its name.
 * @param {Point} point
 * @param {number} line
 */
function pointShapes({ method, colour, x, y, low, high, title }, line) {
  const whisker = svgElement("line", { class: "whisker", x1: x, x2: x, y1: low, y2: high });
  const dot = svgElement("circle", { cx: x, cy: y, r: 5 }, svgElement("title", {}, title));
  // The page's policy forbids style attributes, not the object model.
  whisker.style.stroke = colour;
  dot.style.fill = colour;
  // A name that would be cut off is before its point.
  const isBeyond = x + 9 + 7.5 * method.length > SIZE.width;
  const side = isBeyond ? { x: x - 9, "text-anchor": "end" } : { x: x + 9 };
  return [whisker, dot, svgElement("text", { class: "name", y: line, ...side }, method)];
}
