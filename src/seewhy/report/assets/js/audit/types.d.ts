// Types that several modules of the audit's page share.

import type { Theme } from "../shared/theme.js";

/** What `mount` is told besides the payload. */
export interface Options {
  /** Keep filters in the page's address. Default: false. */
  deepLinks?: boolean;
  /** Where single keys are heard: in the whole page, in the mount, or not at all. Default: mount. */
  keyboard?: "page" | "mount" | "off";
  /** Default: the system's choice. */
  theme?: Theme;
  /** Keep a person's choice of theme in the browser's storage. Default: false. */
  rememberTheme?: boolean;
  /** Before every id of the page. Default: one of its own for each mount. */
  idPrefix?: string;
}

/** What `mount` returns. */
export interface Mount {
  /** Settled once the page is drawn. */
  ready: Promise<void>;
  /** Remove the page and its listeners. */
  unmount(): void;
}

/** What the truth says of a word, as a filter: "" for any. */
export type TruthFilter = "" | "true" | "untrue" | "unknown";

/** Which words are shown; "" is any. `find` is a part of a lemma, `word` a whole one. */
export interface Filters {
  find: string;
  word: string;
  source: string;
  role: string;
  category: string;
  prompt: string;
  /** Key of a cause: see `causeKey`. */
  cause: string;
  truth: TruthFilter;
  /** Ends of the range of support, from 0 to 1. */
  from: number;
  to: number;
}

/** Names of the tables: causes, and the payload's groups. */
export type TableName = "cause" | "word" | "category" | "role" | "prompt";

/** How a table is sorted: by the column of that number. */
export interface Sort {
  column: number;
  isRising: boolean;
}

/** What a person looks at. */
export interface State {
  filters: Filters;
  order: "support" | "probability";
  /** Maps on one scale for each answer, the pictures alone, or each map on its own scale. */
  picture: "map" | "bare" | "alone";
  table: TableName;
  sorts: Partial<Record<TableName, Sort>>;
  /** Words of the list, and rows of the table, that are drawn. */
  words: number;
  rows: number;
}
