// Generated from Python by `python -m seewhy.report.payload_types`: change the types there.

/** Counts of answers and words; `groups` says how many rows each table has in all. */
export interface AuditTotals {
  done: number;
  failed: number;
  generated: number;
  words: number;
  seconds: number;
  groups: Record<string, number>;
  causes: number;
  causes_left_out: number;
}

/** A share with its 95 % interval; null where there is nothing to count. */
export interface AuditRate {
  count: number;
  total: number;
  value: number | null;
  low: number | null;
  high: number | null;
}

/** A word that is said without the picture, and the earlier word that it follows from. */
export interface AuditCause {
  follows: string;
  part: string;
  lemma: string;
  role: string;
  rate: AuditRate;
  known: number;
  untrue: number;
  sentence: string;
  habit: boolean;
}

/** Words with one key; `unsupported` is of words, `untrue` of those `known`. */
export interface AuditGroup {
  key: string;
  words: number;
  answers: number;
  unsupported: AuditRate;
  support: number;
  known: number;
  untrue: number;
  sources: Record<string, number>;
  roles: Record<string, number>;
}

/** A figure with its 95 % interval; null where it is not defined. */
export interface AuditEstimate {
  value: number | null;
  low: number | null;
  high: number | null;
}

/** How well support tells words that the truth supports from others. */
export interface AuditDetection {
  words: number;
  untrue: number;
  answers: number;
  auroc: AuditEstimate;
  average_precision: AuditEstimate;
  false_positive_rate: AuditEstimate;
}

/** How well maps lie on true regions, in one group of words. */
export interface AuditGrounding {
  group: string;
  pointing: AuditRate;
  words: number;
  iou: AuditEstimate;
}

/** Why answers could not be diagnosed, how often, and the id and error of the first. */
export interface AuditReason {
  reason: string;
  count: number;
  example: string;
  detail: string;
}

/** A displayed map in 8 bit, row by row, base64. */
export interface AuditMap {
  height: number;
  width: number;
  data: string;
}

/** One of the worst words; `answer` is an index of the payload's answers. */
export interface AuditWord {
  answer: number;
  word: number;
  text: string;
  start: number;
  end: number;
  lemma: string;
  role: string;
  category: string;
  group: string;
  probability: number;
  support: number;
  source: string;
  sentence: string;
  visual_share: number | null;
  follows: string;
  follows_part: string;
  supported: boolean | null;
  peak: [number, number] | null;
  map: AuditMap | null;
}

/** An answer that holds one of the worst words. */
export interface AuditAnswer {
  id: string;
  image: string;
  prompt: string;
  text: string;
  picture: string;
  width: number;
  height: number;
  rows: number[];
  columns: number[];
  report: string;
}

/** All that an audit's page shows. */
export interface AuditPayload {
  schema: number;
  finding: string;
  made: Record<string, unknown>;
  files: Record<string, string>;
  totals: AuditTotals;
  meanings: Record<string, string>;
  sources: Record<string, AuditRate>;
  with_unsupported: AuditRate;
  causes: AuditCause[];
  tables: Record<string, AuditGroup[]>;
  scores: Record<string, number | null>;
  detection: AuditDetection | null;
  grounding: AuditGrounding[];
  reasons: AuditReason[];
  worst: AuditWord[];
  worst_shown: number;
  answers: AuditAnswer[];
  colours: Record<string, string>;
}
