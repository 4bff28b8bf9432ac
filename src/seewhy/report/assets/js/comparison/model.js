// The payload as a comparison reads it: rows of words, columns, ranges of their maps.

import { MapStore } from "../shared/map_store.js";

/** @import {DisplayMap} from "../shared/interpolation.js" */
/** @import {ComparedPairData, ComparedView, ComparedWordData, ComparisonPayload} from "./payload.d.ts" */
/** @import {Scale} from "./types.d.ts" */

export const LETTERS = "ABCD";

/** A change of a word's probability, as a difference of logarithms, that can be seen. */
export const VISIBLE_CHANGE = 0.02;

const CLEAR = 0.25; // of the answer's scale
const SAYS_SOMETHING = /[\p{L}\p{N}]/u;

export class Model {
  /** @param {ComparisonPayload} payload */
  constructor(payload) {
    this.payload = payload;
    this.columns = payload.columns;
    this.rows = payload.rows;
    this.pairs = payload.pairs;
    this.maps = new MapStore(payload.maps);
    /** One answer for all columns: its words stand above them. */
    this.isOneAnswer =
      payload.by !== "diff" && this.rows.every((row) => row.every((word) => word !== null));
    this.hasChanges = this.pairs.some((pair) =>
      this.rows.some((_, row) => Math.abs(this.change(pair, row) ?? 0) > VISIBLE_CHANGE),
    );
  }

  /**
   * @param {number} row
   * @param {number} column
   * @returns {ComparedWordData | null} null where the column's answer lacks the word
   */
  word(row, column) {
    const at = this.rows[row]?.[column] ?? null;
    return at === null ? null : this.columns[column].words[at];
  }

  /**
   * A row's word in the first column that has it.
   * @param {number} row
   */
  anyWord(row) {
    const column = this.rows[row].findIndex((at) => at !== null);
    return /** @type {ComparedWordData} */ (this.word(row, column));
  }

  /**
   * The row of a column's word.
   * @param {number} column
   * @param {number} word
   */
  rowOf(column, word) {
    return this.rows.findIndex((row) => row[column] === word);
  }

  /**
   * The raw values that are shown as 0 and 1: one scale for all columns of one method.
   * @param {number} row
   * @param {number} column
   * @param {Scale} scale
   * @returns {[number, number]}
   */
  range(row, column, scale) {
    const { method } = this.columns[column];
    const ranges = this.columns
      .map((other, at) => (other.method === method ? this.word(row, at) : null))
      .flatMap((word) => (word === null ? [] : [word[scale]]));
    return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
  }

  /** Whether some columns have a scale of their own. */
  get hasOwnScales() {
    return new Set(this.columns.map(({ method }) => method)).size > 1;
  }

  /**
   * A word's map over a view, in [0, 1].
   * @param {number} row
   * @param {number} column
   * @param {number} view
   * @param {Scale} scale
   * @returns {DisplayMap | null}
   */
  display(row, column, view, scale) {
    const word = this.word(row, column);
    if (word === null) return null;
    const { rows, columns } = this.columns[column].views[view].grid;
    return { ...this.maps.scaled(word.maps[view], ...this.range(row, column, scale)), rows, columns };
  }

  /**
   * How a word's probability changes from a pair's first column to its second, as a difference of
   * logarithms; null where one of them lacks the word.
   * @param {ComparedPairData} pair
   * @param {number} row
   */
  change({ columns: [first, second] }, row) {
    const [one, other] = [this.word(row, first), this.word(row, second)];
    if (one === null || other === null) return null;
    return logOf(other.probability) - logOf(one.probability);
  }

  /**
   * The view that is shown of a column: the chosen one, else the word's brightest.
   * @param {number} row
   * @param {number} column
   * @param {number | null} chosen
   */
  view(row, column, chosen) {
    const last = this.columns[column].views.length - 1;
    if (chosen !== null) return Math.min(chosen, last);
    // The first column decides for all that show the same pictures.
    const views = this.columns[column].views;
    const leader = this.columns.findIndex((other, at) => {
      return this.word(row, at) !== null && sameSizes(other.views, views);
    });
    return Math.min(this.word(row, leader < 0 ? column : leader)?.best ?? 0, last);
  }

  /**
   * Whether a place of one column's view is a place of another's.
   * @param {number} one
   * @param {number} other
   */
  hasSamePlaces(one, other) {
    return sameSizes(this.columns[one].views, this.columns[other].views);
  }

  /**
   * Whether both columns of a pair show the same pictures.
   * @param {ComparedPairData} pair
   */
  hasSamePictures({ columns: [first, second] }) {
    const [one, other] = [this.columns[first].views, this.columns[second].views];
    return one.length === other.length && one.every(({ picture }, at) => picture === other[at].picture);
  }

  /**
   * Whether a word's maps are next to nothing, on the answer's scale.
   * @param {number} row
   * @param {number} column
   */
  isFaint(row, column) {
    return this.clearness(row)[column] < CLEAR;
  }

  /** The row to show first: the largest change of a probability, else the clearest maps: in all
   * columns, or where that is nowhere, in one of them. */
  firstRow() {
    const rows = this.rows.map((_, row) => row).filter((row) => this.saysSomething(row));
    /** @param {number} row */
    const changed = (row) => Math.max(...this.pairs.map((pair) => Math.abs(this.change(pair, row) ?? 0)));
    const most = best(rows, changed);
    if (most >= 0 && changed(most) > 0.5) return most;
    const clearest = best(rows, (row) => Math.min(...this.clearness(row)));
    if (clearest >= 0 && Math.min(...this.clearness(clearest)) > CLEAR) return clearest;
    return Math.max(0, best(rows, (row) => Math.max(...this.clearness(row))));
  }

  /** @param {number} row */
  saysSomething(row) {
    return SAYS_SOMETHING.test(this.anyWord(row).text);
  }

  /**
   * How bright a word is in each column, on the answer's scale.
   * @param {number} row
   */
  clearness(row) {
    return this.columns.map((_, column) => {
      const word = this.word(row, column);
      if (word === null) return 0;
      const [low, high] = word.answer;
      return (word.word[1] - low) / Math.max(high - low, 1e-12);
    });
  }
}

/** @param {number} probability */
const logOf = (probability) => Math.log(Math.max(probability, 1e-12));

/**
 * @param {ComparedView[]} some
 * @param {ComparedView[]} others
 */
const sameSizes = (some, others) =>
  some.length === others.length &&
  some.every(({ width, height }, at) => width === others[at].width && height === others[at].height);

/**
 * The first of the largest; -1 of none.
 * @param {number[]} rows
 * @param {(row: number) => number} value
 */
const best = (rows, value) =>
  rows.reduce((top, row) => (top < 0 || value(row) > value(top) ? row : top), -1);
