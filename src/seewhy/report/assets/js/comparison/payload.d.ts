// Generated from Python by `python -m seewhy.report.payload_types`: change the types there.

/** The native grid's edges in pixels of the original picture. */
export interface Grid {
  name: string;
  rows: number[];
  columns: number[];
}

/** A view of a column: its picture, by its index, and its grid in pixels of the original. */
export interface ComparedView {
  picture: number;
  name: string;
  width: number;
  height: number;
  grid: Grid;
}

/** What a word rests on, how sure it is that the picture bears it out, and why. */
export interface ComparedVerdict {
  source: string;
  support: number;
  sentence: string;
}

/** A word of a column's answer. */
export interface ComparedWordData {
  text: string;
  start: number;
  end: number;
  probability: number;
  visual_share: number | null;
  maps: number[];
  best: number;
  answer: [number, number];
  word: [number, number];
  total: number;
  verdict: ComparedVerdict | null;
}

/** An explanation: what tells it from the others, how it was made, its views and its words. */
export interface ComparedColumnData {
  label: string;
  model: string;
  family: string;
  method: string;
  prompt: string;
  answer: string;
  diagnosed: boolean;
  notes: string[];
  views: ComparedView[];
  words: ComparedWordData[];
}

/** How much two maps agree; see `seewhy.functional.agreement`. Null for what is not defined. */
export interface AgreementData {
  rank_correlation: number | null;
  top_overlap: number | null;
  cells: number;
}

/** Two columns: what is subtracted ("values" or "shares"), and how much they agree. */
export interface ComparedPairData {
  columns: [number, number];
  unit: string;
  same_places: boolean;
  agreements: (AgreementData | null)[];
  mean: AgreementData | null;
  words: number;
}

/** A map in 8 bit, row by row, base64: value = low + byte / 255 * (high - low). */
export interface MapData {
  height: number;
  width: number;
  low: number;
  high: number;
  data: string;
}

/** All data of the page. */
export interface ComparisonPayload {
  schema: number;
  kind: string;
  by: string;
  columns: ComparedColumnData[];
  rows: (number | null)[][];
  pairs: ComparedPairData[];
  sources: string[];
  maps: MapData[];
  colours: Record<string, string>;
  warnings: string[];
  notes: string[];
}
