// Types that several modules of the comparison page share.

import type { Theme } from "../shared/theme.js";

/** What `mount` is told besides the payload. */
export interface Options {
  /** Keep what is looked at in the page's address, and follow the address. Default: false. */
  deepLinks?: boolean;
  /** Where the arrow keys walk through the words: on the whole page, or where the focus is inside
   * the comparison (the default). */
  keyboard?: "page" | "comparison";
  /** Default: the system's choice. */
  theme?: Theme;
  /** Keep a person's choice of theme in the browser's storage. Default: false. */
  rememberTheme?: boolean;
  /** Whether it has a bar on top, with the button for light or dark. Default: true. */
  topBar?: boolean;
  /** Before every id of the page. Default: one of its own for each mount. */
  idPrefix?: string;
}

/** What `mount` returns. */
export interface Mount {
  /** Settled once the page is drawn. */
  ready: Promise<void>;
  /** Look at a row of the payload. */
  choose(row: number): void;
  /** Remove the page and its listeners. */
  unmount(): void;
}

/** The scale of maps: one for the whole answer, or each word alone. */
export type Scale = "answer" | "word";

/** A place in pixels of a column's view; it is the same place in all columns with such a view. */
export interface Place {
  column: number;
  x: number;
  y: number;
}

/** What a person looks at. */
export interface State {
  /** The row that is shown, and the one that stays when the pointer leaves the words. */
  row: number;
  fixed: number;
  /** Which of the pairs is subtracted. */
  pair: number;
  /** Whether the pair's second column is subtracted from its first. */
  isSwapped: boolean;
  scale: Scale;
  /** The view that is shown, or null for each word's brightest one. */
  view: number | null;
  place: Place | null;
}
