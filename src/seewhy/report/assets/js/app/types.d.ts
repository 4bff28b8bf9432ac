// Types that the modules of the app share: what the server says, what it is asked, and the app itself.

import type { Mount } from "../report/types.d.ts";
import type { Payload } from "../report/payload.d.ts";
import type { Theme } from "../shared/theme.js";

// ---- what the server says

/** A model that can be asked; `family` is known once it is loaded. */
export interface Model {
  name: string;
  family: string | null;
  loaded: boolean;
  /** Whether it ships with the package: it knows drawn scenes only. */
  shipped: boolean;
}

export interface Method {
  name: string;
  title: string;
  can_contrast: boolean;
  speed: "fast" | "slow";
}

/** A drawn scene to try; `url` is its small picture. */
export interface Example {
  id: string;
  title: string;
  url: string;
}

/** What the server takes at most; a limit that it does not name is not checked on the page. */
export interface Limits {
  picture_bytes?: number;
  pixels?: number;
  pictures?: number;
  prompt_characters?: number;
  answer_tokens?: number;
  [name: string]: number | undefined;
}

/** An explained answer of this sitting. */
export interface Entry {
  id: string;
  /** When it was made: ISO 8601. */
  created: string;
  model: string;
  method: string;
  prompt: string;
  answer: string;
  /** Address of a small picture. */
  thumbnail: string;
  /** The entry that it was made from, if one was changed. */
  parent: string | null;
  title: string;
  /** What was changed, such as "without the region". */
  change: string | null;
  warnings: string[];
  /** False for an imported folder whose model is not at hand. */
  can_ask: boolean;
}

/** `GET /api/state`. */
export interface State {
  schema: 1;
  models: Model[];
  default_model: string;
  methods: Method[];
  default_method: string;
  examples: Example[];
  limits: Limits;
  entries: Entry[];
}

/** A picture or clip that the server holds; width and height in pixels, upright. */
export interface UploadedPicture {
  id: string;
  kind: "picture" | "clip";
  width: number;
  height: number;
  name: string;
  url: string;
}

/** `GET /api/entries/{id}`. */
export interface EntryPayload {
  entry: Entry;
  payload: Payload;
}

/** A piece of two answers' word by word difference; `before` and `after` are indices of words. */
export interface AnswerChange {
  kind: "same" | "removed" | "added";
  text: string;
  before: number[];
  after: number[];
}

/** A word's log-probability before and after a change, and what it lost (nats). */
export interface ChangedWord {
  word: number;
  before: number;
  after: number;
  lost: number;
}

// ---- what the server is asked

/** As `seewhy.Region.to_json()`; a box has two corners; points are pixels of the view's original. */
export interface Region {
  view: number;
  kind: "box" | "polygon" | "point" | "mask";
  points: [number, number][];
  mask?: unknown;
}

export type Change = "erase" | "keep" | "move";
export type Fill = "blur" | "mean" | "inpaint";

export interface ExplainJob {
  kind: "explain";
  model: string;
  /** Ids of pictures and clips, in their order in the prompt. */
  pictures: string[];
  prompt: string;
  answer?: string;
  answer_start?: string;
  method?: string;
  max_new_tokens?: number;
  diagnose?: boolean;
  layers?: boolean;
}

interface RegionJob {
  entry: string;
  region: Region;
  change: Change;
  fill: Fill;
  /** Where a moved region goes: pixels of the view's original. */
  to?: [number, number];
}

export type EffectJob = { kind: "effect" } & RegionJob;
export type ChangeJob = { kind: "change" } & RegionJob;
export type ContinueJob = { kind: "continue"; entry: string; word: number; replacement: string };
export type RepromptJob = { kind: "reprompt"; entry: string; prompt: string };
export type ContrastJob = { kind: "contrast"; entry: string; word: number; alternative: string };
export type DiagnoseJob = { kind: "diagnose"; entry: string; words?: number[] };
export type CompareJob = { kind: "compare" } & (
  | { entry: string; methods: string[] }
  | { entry: string; models: string[] }
  | { entry: string; pictures: string[] }
  | { entries: string[] }
);
export type Job =
  | ExplainJob
  | EffectJob
  | ChangeJob
  | ContinueJob
  | RepromptJob
  | ContrastJob
  | DiagnoseJob
  | CompareJob;

export interface EntryResult {
  entry: Entry;
}
export interface ChangedResult extends EntryResult {
  before: Entry;
  diff: AnswerChange[];
}
export interface EffectResult {
  words: ChangedWord[];
  /** Address of the changed picture. */
  picture: string;
}
export interface CompareResult {
  /** The comparison's payload: see `js/comparison/payload.d.ts`. */
  comparison: any;
  url: string;
}

/** What a job gives when it is done, by its kind. */
export type Result<J extends Job> = J extends ExplainJob | ContrastJob | DiagnoseJob
  ? EntryResult
  : J extends ChangeJob | ContinueJob | RepromptJob
    ? ChangedResult
    : J extends EffectJob
      ? EffectResult
      : CompareResult;

/** What is heard of a job, in order; the last one is `done`, `failed` or `cancelled`. */
export type JobEvent =
  | { type: "queued"; position: number }
  | { type: "started" }
  | { type: "stage"; text: string }
  /** The answer so far, whole. */
  | { type: "answer"; text: string }
  | { type: "done"; result: any }
  | { type: "failed"; kind: string; message: string }
  | { type: "cancelled" }
  /** Said by the transport, not by the server: the line is lost and tried again, or is back. */
  | { type: "lost" }
  | { type: "back" };

// ---- the way to the server

/**
 * Paths are those of the server, such as "/api/state". Everything that fails rejects with an
 * `AppError` (`app/failures.js`): its `message` can be shown as it is, its `kind` is the server's,
 * or "unreachable" where nothing answered.
 */
export interface Transport {
  get(path: string): Promise<any>;
  post(path: string, body?: unknown): Promise<any>;
  remove(path: string): Promise<void>;
  /** Send the bytes of one file. */
  upload(path: string, blob: Blob): Promise<any>;
  /** What the `src` of an image or a download takes: the path itself, or a blob: address. */
  address(path: string): Promise<string>;
  /** Hear of a job from its first event on, until it ends or `stop` is called. */
  listen(jobId: string, onEvent: (event: JobEvent) => void): () => void;
}

// ---- the app

export interface RunOptions {
  /** Gets the line with stage, place in the queue, Stop and Cancel; it is empty again afterwards. */
  place: HTMLElement;
  /** Called with the answer so far, whole. With it the line has a Stop button. */
  onAnswer?: (text: string) => void;
  onStage?: (text: string) => void;
  /** Cancels the job when it is aborted. */
  signal?: AbortSignal;
}

/** What tools get to work with. */
export interface App {
  readonly transport: Transport;
  /** As the server said it; `entries` is kept up to date, newest last. */
  readonly state: State;
  /** Aborted when the app is unmounted. */
  readonly signal: AbortSignal;
  /** The id of an element in this app: unique in the document. */
  id(name: string): string;
  /**
   * Run a job to its end. Entries of its result are in the history before it resolves, and what was
   * known of their payloads is dropped.
   * Rejects with an `AppError`; its kind is "cancelled" if the person cancelled, which needs no message.
   */
  run<J extends Job>(job: J, options: RunOptions): Promise<Result<J>>;
  /** Show an entry in the place of the one that is shown. */
  show(entryId: string): Promise<void>;
  /** An entry and its report's payload: kept once read. */
  read(entryId: string): Promise<EntryPayload>;
  /** Give the server a file. */
  upload(file: File): Promise<UploadedPicture>;
  /** Save a file of the server's, such as "/api/entries/7/report.html". */
  download(path: string, name: string): Promise<void>;
  /** Tell a screen reader. */
  announce(text: string): void;
}

/** `attachTools(app, mounted, entry, place)` in `app/tools/attach.js`. */
export type AttachTools = (
  app: App,
  mounted: Mount,
  entry: Entry,
  place: HTMLElement,
) => { detach(): void };

/** What `mountApp` is told besides the transport. */
export interface AppOptions {
  /** Keep the shown entry and word in the page's address, and follow the address. Default: false. */
  deepLinks?: boolean;
  /** Where single-key shortcuts, pasted and dropped files are heard: on the whole page, inside the
   * app (the default), or, for the keys, nowhere. */
  keyboard?: "page" | "app" | "off";
  /** Default: the system's choice. */
  theme?: Theme;
  /** Keep a person's choice of theme in the browser's storage. Default: false. */
  rememberTheme?: boolean;
  /** Before every id of the app. Default: one of its own for each mount. */
  idPrefix?: string;
  /** Pictures that are there at first, as the server holds them. */
  pictures?: UploadedPicture[];
  /** The question that is there at first. */
  prompt?: string;
}

/** What `mountApp` returns. */
export interface AppMount {
  /** Settled once the app can be used, or has said why it cannot. */
  ready: Promise<void>;
  /** Remove the app, its listeners and its timers; jobs that run are cancelled. */
  unmount(): void;
}
