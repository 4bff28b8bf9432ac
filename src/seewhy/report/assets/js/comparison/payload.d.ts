// Generated from Python by `python -m seewhy.report.payload_types`: change the types there.

/** A model: its hub id or folder, its family, and what a reader must know. */
export interface ComparedModel {
  name: string;
  family: string;
  notes: string[];
}

/** A view: a data URI, and its width and height in pixels. */
export interface ComparedPicture {
  source: string;
  width: number;
  height: number;
}

/** Both maps over a view and their difference, as data URIs of pictures with alpha. */
export interface ComparedView {
  first: string;
  second: string;
  difference: string;
}

/** A word: both probabilities, the greatest value of both maps, and the greatest change. */
export interface ComparedWordData {
  text: string;
  start: number;
  end: number;
  probabilities: [number, number];
  peak: number;
  change: number;
  views: ComparedView[];
}

/** All data of the page. `warnings` are shown first; they are among the models' notes too. */
export interface ComparisonPayload {
  schema: number;
  prompt: string;
  answer: string;
  method: string;
  by: string;
  models: ComparedModel[];
  warnings: string[];
  notes: string[];
  pictures: ComparedPicture[];
  words: ComparedWordData[];
}
