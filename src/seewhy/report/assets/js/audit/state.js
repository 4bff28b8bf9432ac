// What a person looks at first, and how much is drawn at a time.

import { NO_FILTERS } from "./filters.js";

/** @import {State, TableName} from "./types.d.ts" */

/** Words and rows that are drawn at first, and added by each press of a button. */
export const WORDS_STEP = 12;
export const ROWS_STEP = 12;

/**
 * @param {TableName} table
 * @returns {State}
 */
export const initialState = (table) => ({
  filters: { ...NO_FILTERS },
  order: "support",
  picture: "map",
  table,
  sorts: {},
  words: WORDS_STEP,
  rows: ROWS_STEP,
});
