// One mounted app: what the server knows, what is shown, and what a person does with it.

import { mountRoot } from "../shared/root.js";
import { applyTheme } from "../shared/theme.js";
import { entryInAddress, writeEntry } from "./address.js";
import { Asking } from "./asking.js";
import { Composer, sorted } from "./composer.js";
import { listenToFiles } from "./composer_inputs.js";
import { download } from "./downloads.js";
import { EntryView, shortened } from "./entry_view.js";
import { AppError, asAppError, failureNote } from "./failures.js";
import { History } from "./history.js";
import { layout, setHeading } from "./layout.js";
import { runJob } from "./run.js";
import { connectShortcuts } from "./shortcuts.js";

/** @import {App, AppOptions, Entry, EntryPayload, Job, Result, RunOptions, State, Transport, UploadedPicture} from "./types.d.ts" */
/** @import {Question} from "./composer.js" */

/** @type {{deepLinks: boolean, keyboard: "page" | "app" | "off", theme: "system", rememberTheme: boolean}} */
const DEFAULTS = { deepLinks: false, keyboard: "app", theme: "system", rememberTheme: false };
const TITLE = "seewhy: ask about a picture"; // as app.html has it
/** @type {State} */
const NOTHING = {
  schema: 1,
  models: [],
  default_model: "",
  methods: [],
  default_method: "",
  examples: [],
  limits: {},
  entries: [],
};

/** @implements {App} */
export class AppPage {
  /**
   * @param {Element} container
   * @param {Transport} transport
   * @param {AppOptions} options
   */
  constructor(container, transport, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-app", options.idPrefix);
    this.lifetime = new AbortController();
    this.signal = this.lifetime.signal;
    this.options = { ...DEFAULTS, ...options };
    this.transport = transport;
    this.root = root;
    this.id = id;
    this.state = NOTHING;
    /** Whether the whole page is the app's. */
    this.isPage = this.options.keyboard === "page";
    this.parts = layout(id, this.isPage);
    root.append(...this.parts.nodes);
    /** @type {Map<string, Promise<EntryPayload>>} */
    this.payloads = new Map();
    /** Questions as they were asked on this page, by the entries that answer them. @type {Map<string, Question>} */
    this.questions = new Map();
    /** @type {EntryView | null} */
    this.view = null;
    this.showing = 0;
    /** @type {Promise<void> | null} */
    this.meeting = null;
    this.composer = new Composer(this);
    this.history = new History(this);
    this.asking = new Asking(this);
    this.toggleTheme = applyTheme(themed, this.options.theme, this.options.rememberTheme);
    this.parts.theme.addEventListener("click", this.toggleTheme);
    this.parts.fresh.addEventListener("click", () => this.newQuestion());
  }

  /** Be ready for a question, and ask the server what it has. */
  async start() {
    const { pictures = [], prompt = "" } = this.options;
    this.composer.pictures.replace(pictures);
    this.composer.parts.prompt.value = prompt;
    this.connect();
    this.name(null);
    if (this.options.deepLinks && entryInAddress() !== null) this.parts.ask.hidden = true;
    await this.meet();
    this.parts.ask.hidden = false;
  }

  /** Ask the server what it has; a person can choose and write meanwhile. */
  meet() {
    this.meeting ??= this.askState().finally(() => {
      this.meeting = null;
    });
    return this.meeting;
  }

  async askState() {
    const { notice } = this.parts;
    try {
      this.state = await this.transport.get("/api/state");
    } catch (error) {
      if (!this.signal.aborted)
        notice.replaceChildren(failureNote(error, ["Try again", () => this.meet()]));
      return;
    }
    if (this.signal.aborted) return;
    notice.replaceChildren();
    this.composer.know(this.state);
    this.history.render();
    await this.followAddress();
  }

  connect() {
    connectShortcuts(this);
    listenToFiles({
      heard: this.isPage ? window : this.root,
      veil: this.parts.veil,
      take: (files) => this.take(files),
      refuse: (text) => this.tell(new AppError("refused", text)),
      signal: this.signal,
    });
    if (this.options.deepLinks)
      addEventListener("popstate", () => this.followAddress(), { signal: this.signal });
  }

  /** Show the entry that the address names, or the question where it names none. */
  async followAddress() {
    if (!this.options.deepLinks) return;
    const id = entryInAddress();
    if (id === null && this.view) this.showQuestion();
    else if (id !== null && id !== this.shownId) await this.show(id);
  }

  /** The entry that is shown. */
  get shownId() {
    return this.view?.entry.id ?? null;
  }

  /** @param {string | null} id */
  entry(id) {
    return this.state.entries.find((entry) => entry.id === id) ?? null;
  }

  // ---- asking

  /** Ask what is written. */
  async ask() {
    await this.asking.ask();
  }

  /** End the writing of the answer that is shown being written; what is there is kept. */
  stopWriting() {
    if (this.view === null) this.asking.stop();
  }

  /** Show the answer that is being written. */
  showLive() {
    if (!this.asking.live) return;
    this.leaveView();
    this.asking.live.node.hidden = false;
    this.history.render();
  }

  /**
   * @template {Job} J
   * @param {J} job
   * @param {RunOptions} options
   * @returns {Promise<Result<J>>}
   */
  async run(job, options) {
    const result = await runJob(this, job, options);
    if (result?.entry) this.keep(result.entry);
    return result;
  }

  /**
   * Have an entry in the history; what was known of its payload is out of date.
   * @param {Entry} entry
   */
  keep(entry) {
    const others = this.state.entries.filter(({ id }) => id !== entry.id);
    const at = this.state.entries.findIndex(({ id }) => id === entry.id);
    this.state.entries = at < 0 ? [...others, entry] : this.state.entries.with(at, entry);
    this.payloads.delete(entry.id);
    this.history.render();
  }

  // ---- showing

  /**
   * @param {string} id
   * @returns {Promise<EntryPayload>}
   */
  read(id) {
    const known =
      this.payloads.get(id) ?? this.transport.get(`/api/entries/${encodeURIComponent(id)}`);
    this.payloads.set(id, known);
    known.catch(() => this.payloads.delete(id));
    return known;
  }

  /** @param {string} id */
  async show(id) {
    this.showing += 1;
    const turn = this.showing;
    const isFirst = this.view === null && this.composer.mode === "start";
    let read;
    try {
      read = await this.read(id);
    } catch (error) {
      if (turn === this.showing) this.tell(error);
      return;
    }
    if (turn !== this.showing || this.signal.aborted) return;
    this.parts.notice.replaceChildren();
    // Another window of this sitting may have made it.
    if (!this.entry(id)) this.state.entries = [...this.state.entries, read.entry];
    writeEntry(this.options, id, isFirst && entryInAddress() !== null);
    const view = new EntryView(this, read);
    try {
      await view.ready;
    } catch (error) {
      this.tell(error);
    }
    if (turn !== this.showing || this.signal.aborted) return view.unmount();
    this.put(view);
  }

  /**
   * Name what is shown, for the window and for who does not see it.
   * @param {string | null} answer
   */
  name(answer) {
    const { brand, title } = this.parts;
    title.textContent = answer === null ? "" : `: ${answer}`;
    // The question in large has a heading of its own.
    setHeading(brand, answer === null ? null : this.isPage ? 1 : 2);
    if (this.isPage) document.title = answer === null ? TITLE : `${answer} · seewhy`;
  }

  /**
   * Bring an entry into sight in the place of what was there.
   * @param {EntryView} view
   */
  put(view) {
    const focus = document.activeElement;
    const isLost = this.asking.isShown && (focus === document.body || focus === null);
    const before = this.asking.answerTop();
    const hadFocus = focus !== null && this.parts.stage.contains(focus);
    // First what comes, then what goes: a page that is short for a moment loses its scroll position.
    view.reveal();
    this.leaveView();
    this.view = view;
    this.asking.hide();
    this.composer.setMode("bar");
    this.composer.follow(view.entry, this.questions.get(view.entry.id));
    this.parts.fresh.hidden = false;
    this.name(shortened(view.entry.answer));
    // Words that are being read stay where they are, whatever has grown above them.
    if (before !== null) scrollBy({ top: view.answerTop() - before, behavior: "instant" });
    if (hadFocus || isLost) view.focus();
    this.history.render();
  }

  leaveView() {
    this.view?.unmount();
    this.view = null;
  }

  /** Room for another question; what was written stays. */
  newQuestion() {
    if (this.composer.mode === "bar") this.composer.clearPictures();
    this.showQuestion();
    this.composer.parts.choose.focus();
  }

  /** The question in large, to change its pictures. */
  changePictures() {
    if (this.composer.subject) this.composer.clearPictures();
    this.showQuestion();
    const first = this.composer.parts.slots.querySelector("button") ?? this.composer.parts.choose;
    first?.focus();
  }

  showQuestion() {
    this.showing += 1;
    this.leaveView();
    this.asking.hide();
    this.composer.setMode("start");
    this.parts.fresh.hidden = true;
    this.name(null);
    writeEntry(this.options, null, false);
    this.history.render();
  }

  /**
   * Show the entry after the shown one, or the one before.
   * @param {1 | -1} by
   */
  step(by) {
    const ids = this.history.order.map(({ entry }) => entry.id);
    const at = ids.indexOf(this.shownId ?? "");
    const next = ids[at < 0 ? ids.length - 1 : at + by];
    if (next !== undefined) this.show(next);
  }

  // ---- files

  /**
   * Take files that were chosen, dropped or pasted: pictures into the question, saved folders into
   * the history.
   * @param {File[]} files
   */
  take(files) {
    const { folders, pictures } = sorted(files);
    if (pictures.length) {
      // Beside a shown answer a new picture begins a new question.
      if (this.composer.mode === "bar") this.newQuestion();
      this.composer.add(pictures);
      this.composer.parts.prompt.focus();
    }
    for (const folder of folders) this.importFolder(folder);
  }

  /** @param {File} file a zip of a saved folder */
  async importFolder(file) {
    this.announce("Opening the saved explanation");
    try {
      const entry = await this.transport.upload("/api/entries/import", file);
      this.keep(entry);
      await this.show(entry.id);
    } catch (error) {
      const where =
        this.composer.mode === "start" ? this.composer.parts.savedError : this.parts.notice;
      where.replaceChildren(failureNote(error, ["Close", () => where.replaceChildren()]));
    }
  }

  /**
   * @param {File} file
   * @returns {Promise<UploadedPicture>}
   */
  upload(file) {
    return this.transport.upload(
      `/api/pictures?name=${encodeURIComponent(file.name || "picture")}`,
      file,
    );
  }

  /**
   * @param {string} path
   * @param {string} name
   */
  download(path, name) {
    return download(this.transport, path, name);
  }

  /** @param {string} id */
  async remove(id) {
    const ids = this.history.order.map(({ entry }) => entry.id);
    try {
      await this.transport.remove(`/api/entries/${encodeURIComponent(id)}`);
    } catch (error) {
      // One that the server lost already is gone as well.
      if (asAppError(error).kind !== "404" && asAppError(error).kind !== "not-found")
        return this.tell(error);
    }
    this.state.entries = this.state.entries.filter((entry) => entry.id !== id);
    this.payloads.delete(id);
    this.questions.delete(id);
    this.history.confirming = null;
    const at = ids.indexOf(id);
    const next = ids[at + 1] ?? ids[at - 1];
    this.announce("The answer is deleted");
    if (this.shownId !== id) this.history.render();
    else if (next === undefined) this.newQuestion();
    else await this.show(next);
    if (next !== undefined) this.history.focus(next);
  }

  // ---- telling

  /** @param {string} text */
  announce(text) {
    this.parts.live.textContent = text;
  }

  /**
   * Tell a failure that has no place of its own.
   * @param {unknown} error
   */
  tell(error) {
    const { notice } = this.parts;
    notice.replaceChildren(failureNote(error, ["Close", () => notice.replaceChildren()]));
  }

  unmount() {
    this.lifetime.abort();
    this.leaveView();
    this.asking.live?.unmount();
    this.composer.pictures.release();
    this.root.remove();
  }
}
