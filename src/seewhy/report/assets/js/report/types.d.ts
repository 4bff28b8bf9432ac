// Types that several modules of the report share.

import type { UnitData } from "./payload.d.ts";
import type { Theme } from "../shared/theme.js";

/** What `mount` is told besides the payload. */
export interface Options {
  /** Keep what is looked at in the page's address, and follow the address. Default: false. */
  deepLinks?: boolean;
  /** Where single-key shortcuts work: on the whole page, where the focus is inside the report
   * (the default), or nowhere. */
  keyboard?: "page" | "report" | "off";
  /** Default: the system's choice. */
  theme?: Theme;
  /** Keep a person's choice of theme in the browser's storage. Default: false. */
  rememberTheme?: boolean;
  /** The page's heading, where the page is the report's alone. Default: null, no heading. */
  title?: string | null;
  /** Before every id of the report. Default: one of its own for each mount. */
  idPrefix?: string;
}

/** What `mount` returns. */
export interface Mount {
  /** Settled once the report is drawn. */
  ready: Promise<void>;
  /** Remove the report, its listeners and its timers. */
  unmount(): void;
}

export type Part = "prompt" | "answer";
export type Segmentation = "words" | "tokens";
/** What a layer's map shows: what could be read there (logit lens), or what was taken there. */
export type LayerSource = "lens" | "taken";
export type Mode = "heat" | "spotlight" | "picture";
/** The scale of maps: one for the whole answer, each map alone, or together with the words before. */
export type Display = "answer" | "word" | "joint";

/** How maps are drawn. `opacity` is from 0 to 1. */
export interface Style {
  mode: Mode;
  colours: string;
  opacity: number;
  display: Display;
}

/** A word or token of the prompt or the answer; `tile` is its picture in the overview. */
export interface Piece {
  part: Part;
  index: number;
  text: string;
  start: number;
  end: number;
  /** Whether it is a special token. */
  special: boolean;
  /** Whether it is part of the answer's thinking block. */
  thinking: boolean;
  unit: UnitData | null;
  node: HTMLElement | null;
  tile: HTMLElement | null;
}

/** A piece that can be looked at. */
export type ExplainedPiece = Piece & { unit: UnitData };

/** A cell of a view's native grid. */
export interface Cell {
  view: number;
  cell: number;
}

/** What a person looks at. Pieces are places on the text axis. */
export interface State {
  current: number;
  /** At most two. */
  pins: number[];
  selectedView: number | null;
  hoveredView: number | null;
  hoveredCell: Cell | null;
  style: Style;
  /** The layer whose map is shown, from 0, or null for a word's own map. */
  layer: number | null;
  layerSource: LayerSource;
  /** Whether the answer's thinking block is unfolded. */
  isThinkingOpen: boolean;
  /** The piece of each part that the tab key reaches. */
  tabStops: Partial<Record<Part, number>>;
}
