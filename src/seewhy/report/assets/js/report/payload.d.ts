// Generated from Python by `python -m seewhy.report.payload_types`: change the types there.

/** The native grid's edges in pixels of the original picture. */
export interface Grid {
  name: string;
  rows: number[];
  columns: number[];
}

/** A view: a picture, or a step of a clip; width and height in pixels of the original. */
export interface PictureData {
  source: string;
  width: number;
  height: number;
  grid: Grid;
  name: string;
  medium: number;
  clip: boolean;
  seconds: number | null;
  frames: number[];
}

/** One turn of the prompt: the role of its characters from `start` to `end`. */
export interface TurnData {
  role: string;
  start: number;
  end: number;
}

/** A word of the answer, by its index, whose maps explain it against the alternative. */
export interface Contrast {
  word: number;
  alternative: string;
}

/** Something that was changed, and the word's log-probability with each variant of it. */
export interface ChangeData {
  kind: string;
  log_probabilities: number[];
  view: number | null;
  box: [number, number, number, number] | null;
  part: string;
  word: number | null;
  replacement: string;
  before: number | null;
}

/** What a word of the answer rests on; see `seewhy.core.verdict.Verdict`. */
export interface VerdictData {
  support: number;
  source: string;
  sentence: string;
  role: string;
  log_probability: number;
  visual_share: number | null;
  changes: ChangeData[];
  part: string;
  follows: number | null;
  noun: number | null;
}

/** What a reader must know of a word of the answer, by its index. */
export interface WordNote {
  word: number;
  note: string;
}

/** A map against a box or point; see `seewhy.report.location_fit.Fit`. */
export interface FitData {
  view: number;
  iou: number | null;
  hit: boolean;
  distance: number | null;
  energy: number | null;
  area: number | null;
}

/** A box or a point in the answer; see `seewhy.report.locations.Location`. */
export interface LocationData {
  kind: string;
  text: string;
  tokens: number[];
  numbers: number[];
  number_tokens: number[];
  phrase: string | null;
  phrase_tokens: number[];
  pixels: number[] | null;
  convention: string | null;
  picture: number | null;
  views: number[];
  notes: string[];
  phrase_fit: FitData | null;
  coordinates_fit: FitData | null;
}

/** A piece of the prompt, its offsets counted in characters (code points). */
export interface Span {
  text: string;
  start: number;
  end: number;
  unit: number | null;
  special?: boolean;
}

/** The range of a unit's maps on each scale of `seewhy.core.display`. */
export interface RangesData {
  answer: [number, number];
  word: [number, number];
  joint: [number, number];
}

/** A unit at one scale; `maps` are indices of the payload's maps, one for each view. */
export interface UnitScale {
  maps: number[];
  probability: number;
  is_top1: boolean;
  weight: number;
}

/** A unit at one decoder layer. */
export interface LayerData {
  probability: number;
  rank: number;
  picture: number[];
  text: number[];
  feed_forward: number;
  lens: number[];
  taken: number[];
}

/** A word or token, of the answer or of the prompt. */
export interface UnitData {
  text: string;
  start: number;
  end: number;
  special?: boolean;
  tokens: number[];
  probability: number;
  candidates: [string, number][];
  maps: number[];
  ranges: RangesData;
  brightness: number;
  context: [number, number][];
  visual_share: number | null;
  shares: number[];
  best: number;
  peaks: ([number, number] | null)[];
  boxes: ([number, number, number, number] | null)[];
  scales: UnitScale[];
  layers: LayerData[];
}

/** Prompt and answer, divided into words or into tokens. */
export interface TextData {
  prompt: Span[];
  prompt_units: UnitData[];
  answer: UnitData[];
}

/** One scale: the ratio that the model saw, and the size of the model's input for each view. */
export interface Scale {
  scale: number;
  model_sizes: [number, number][];
}

/** A map in 8 bit, row by row, base64: value = low + byte / 255 * (high - low). */
export interface MapData {
  height: number;
  width: number;
  low: number;
  high: number;
  data: string;
}

/** How the explanation was made; see `seewhy.core.record.Provenance`. */
export interface Origin {
  model: string;
  family: string;
  method: string;
  parameters: Record<string, unknown>;
  versions: Record<string, string>;
  seconds: Record<string, number>;
  created: string;
  seed: number | null;
  notes: string[];
}

/** All data of a page. */
export interface Payload {
  schema: number;
  display: "answer" | "word" | "joint";
  pictures: PictureData[];
  prompt: string;
  turns: TurnData[];
  answer: string;
  thinking?: [number, number];
  first: number;
  contrasts: Contrast[];
  verdicts: (VerdictData | null)[] | null;
  warnings: string[];
  word_notes: WordNote[];
  locations: LocationData[];
  words: TextData;
  tokens: TextData;
  scales: Scale[];
  maps: MapData[];
  colours: Record<string, string>;
  origin: Origin;
}
