// Generated from Python by `python -m seewhy.report.payload_types`: change the types there.

/** When and with what the latest run was made. */
export interface BenchRun {
  started?: string;
  machine?: string;
  versions?: Record<string, string>;
  suite?: string | null;
}

/** A figure of a metric. Its values are shown times `scale`; `better` is whether higher is. */
export interface BenchColumn {
  metric: string;
  name: string;
  summary: string;
  better: boolean | null;
  unit: string;
  scale: number;
}

/** A figure of a method: `column` is an index of the payload's columns. */
export interface BenchCell {
  method: string;
  column: number;
  value: number | null;
  low: number | null;
  high: number | null;
  samples: number;
  values: number;
  apart: [number | null, number | null, number | null] | null;
  significant: boolean;
}

/** A method's curve. */
export interface BenchLine {
  method: string;
  points: [number, number | null, number | null, number | null][];
}

/** A curve of a metric, method by method. */
export interface BenchCurve {
  metric: string;
  name: string;
  lines: BenchLine[];
}

/** A figure of a method on a group of words, such as `"role: colour"`. */
export interface BenchGroupCell {
  method: string;
  column: number;
  value: number | null;
  low: number | null;
  high: number | null;
  samples: number;
  values: number;
  apart: [number | null, number | null, number | null] | null;
  significant: boolean;
  group: string;
}

/** A method's map of a case as a data URI, or why there is none. */
export interface BenchTile {
  method: string;
  picture?: string;
  score?: number | null;
  why?: string;
}

/** A notable word; `report` is a relative link to its report, or empty. */
export interface BenchCase {
  kind: string;
  model: string;
  data: string;
  sample: string;
  figure: string;
  answer: string;
  word: string;
  picture: string;
  tiles: BenchTile[];
  report: string;
}

/** All figures of one model on one data set. */
export interface BenchView {
  model: string;
  data: string;
  samples: number;
  answer: string;
  elsewhere: string;
  main: number | null;
  cells: BenchCell[];
  curves: BenchCurve[];
  breakdown: BenchGroupCell[];
  cases: BenchCase[];
}

/** Why something was not measured, how often, and the id of one sample. */
export interface BenchReason {
  what: string;
  where: string;
  status: string;
  reason: string;
  count: number;
  example: string;
}

/** All that the bench's page shows. `methods` holds a summary of each method by its label. */
export interface BenchPayload {
  reference: string;
  settings: Record<string, unknown>;
  made: BenchRun;
  methods: Record<string, string>;
  columns: BenchColumn[];
  views: BenchView[];
  reasons: BenchReason[];
}
