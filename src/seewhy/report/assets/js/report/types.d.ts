// Types that several modules of the report share.

import type { UnitData } from "./payload.d.ts";
import type { RegionData } from "../shared/regions.js";
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
  /** How the verdict of a word can be had: the end of “To find that out, ...”. Default: in Python and on
   * the command line. */
  verdictHint?: string;
  /** Before every id of the report. Default: one of its own for each mount. */
  idPrefix?: string;
}

/** What `mount` returns. */
export interface Mount {
  /** Settled once the report is drawn. */
  ready: Promise<void>;
  /** What the rest of the page does with the report, once it is drawn. */
  report: ReportHandle;
  /** Remove the report, its listeners and its timers. */
  unmount(): void;
}

/**
 * A mounted report, for the rest of its page. Words are those of the answer, counted from 0, whatever
 * the report shows: words or tokens. What listens is called until the function that it got back is
 * called, or the report is unmounted.
 */
export interface ReportHandle {
  /** The word that is looked at; null for a word of the prompt, or where nothing is explained. */
  readonly word: number | null;
  /** Look at a word, as if a person had chosen it. */
  chooseWord(index: number): void;
  /** Hear of the word that is looked at, pointed at words included. */
  onWord(callback: (word: number | null) => void): () => void;
  /** Tint the words of the answer, each by a number from 0 to 1; null tints as usual again. */
  setTints(values: number[] | null): void;
  /** An element of one's own over a view's picture. */
  overlay(view: number): Overlay;
  /** Make buttons of what could have been said in place of a word, and hear of those pressed. */
  onCandidate(callback: (candidate: Candidate) => void): () => void;
  /** The region that is drawn, or null. */
  readonly region: RegionData | null;
  /** Show a region, as if a person had drawn it. */
  setRegion(region: RegionData | null): void;
  /** Hear of the region, once a person has drawn it, changed it or taken it back. */
  onRegion(callback: (region: RegionData | null) => void): () => void;
  /** Begin to draw a region. */
  drawRegion(): void;
  /** How much of each word comes from a region, by its map, word by word. */
  wordsFrom(region: RegionData): { word: number; share: number; amount: number }[];
  /** Empty elements for tools: below the answer, in the details of the word that is looked at, and in
   * the panel of the region. */
  readonly slots: { answer: HTMLElement; word: HTMLElement; region: HTMLElement };
  /** Remove the report, its listeners and its timers. */
  unmount(): void;
}

/** An element over a picture, of the picture's size on the screen. */
export interface Overlay {
  node: HTMLElement;
  /** Where an event is, in pixels of the original picture. */
  toPicture(event: { clientX: number; clientY: number }): [number, number];
  /** Where a place of the original picture is, in CSS pixels from the element's upper left corner. */
  toScreen(x: number, y: number): [number, number];
  remove(): void;
}

/** What could have been said in place of a word, or begun it. */
export interface Candidate {
  word: number;
  text: string;
}

/** How a region is drawn. */
export type RegionShape = "box" | "lasso" | "point";

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
  /** A strength of its own for each word of the answer, if somebody set them. */
  tints: number[] | null;
  /** The layer whose map is shown, from 0, or null for a word's own map. */
  layer: number | null;
  layerSource: LayerSource;
  /** Whether the answer's thinking block is unfolded. */
  isThinkingOpen: boolean;
  /** The piece of each part that the tab key reaches. */
  tabStops: Partial<Record<Part, number>>;
}
