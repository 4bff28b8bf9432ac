// Figures as a person reads them.

import { element } from "../shared/dom.js";

/** @import {BenchCell, BenchColumn} from "./payload.d.ts" */

/**
 * A value in a column's unit.
 * @param {number | null} value
 * @param {BenchColumn} column
 */
export function formatValue(value, column) {
  if (value === null) return "–";
  const scaled = value * column.scale;
  if (column.scale === 100) return scaled.toFixed(1);
  if (Number.isInteger(scaled)) return scaled.toLocaleString("en");
  if (Math.abs(scaled) < 1) return scaled.toFixed(3);
  if (Math.abs(scaled) >= 1000) return Math.round(scaled).toLocaleString("en");
  return String(Number(scaled.toPrecision(3)));
}

/**
 * @param {BenchCell} cell
 * @param {BenchColumn} column
 */
export const formatInterval = (cell, column) =>
  `${formatValue(cell.low, column)} to ${formatValue(cell.high, column)}`;

/** @param {BenchColumn} column */
export const unitOf = (column) => (column.scale === 100 ? "%" : column.unit);

/** @param {BenchColumn} column */
export const arrow = ({ better }) => (better === null ? "" : better ? " ↑" : " ↓");

/**
 * The settings in a metric's label, in their brackets.
 * @param {string} metric
 */
export const settingsOf = (metric) =>
  metric.includes("(") ? metric.slice(metric.indexOf("(")) : "";

/** @param {BenchColumn} column */
export const titleOf = (column) => `${column.name}${settingsOf(column.metric)}`;

/**
 * A sentence in which the labels of methods, in backticks, are code.
 * @param {string} text
 */
export const withMethods = (text) =>
  text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));

/** @param {number} value */
export const threeDigits = (value) => String(Number(value.toPrecision(3)));

/**
 * All that is known about a figure, line by line.
 * @param {BenchCell} cell
 * @param {BenchColumn} column
 * @param {string} reference
 */
export function describe(cell, column, reference) {
  const lines = [
    column.summary,
    `${cell.samples} samples, ${cell.values} values`,
    `95 % interval ${formatInterval(cell, column)} ${unitOf(column)}`,
    ...difference(cell, column, reference),
  ];
  return lines.filter(Boolean).join("\n");
}

/**
 * @param {BenchCell} cell
 * @param {BenchColumn} column
 * @param {string} reference
 */
function difference({ apart }, column, reference) {
  if (!apart) return [];
  const [value, low, high] = apart.map((end) => formatValue(end, column));
  return [`difference to ${reference}: ${value} (${low} to ${high})`];
}
