// One mounted app: what the server knows, what is shown, and what a person does with it.

import { focusedElement } from "../shared/focus.js";
import { mountRoot } from "../shared/root.js";
import { applyTheme } from "../shared/theme.js";
import { entryInAddress, writeEntry } from "./address.js";
import { Asking } from "./asking.js";
import { Composer } from "./composer.js";
import { listenToFiles } from "./composer_inputs.js";
import { download } from "./downloads.js";
import { Entries, entryPath } from "./entries.js";
import { EntryView } from "./entry_view.js";
import { AppError, asAppError, failureNote } from "./failures.js";
import { takeFiles, uploadPicture } from "./files.js";
import { History } from "./history.js";
import { layout, setHeading } from "./layout.js";
import { runJob } from "./run.js";
import { shortened } from "./shortened.js";
import { connectShortcuts } from "./shortcuts.js";

/** @import {App, AppOptions, Entry, Job, Result, RunOptions, State, Transport} from "./types.d.ts" */

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
    this.state = { ...NOTHING };
    /** Whether the whole page is the app's. */
    this.isPage = this.options.keyboard === "page";
    this.parts = layout(id, this.isPage);
    root.append(...this.parts.nodes);
    this.entries = new Entries(this);
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

  /** @param {Entry} entry */
  keep(entry) {
    this.entries.keep(entry);
    this.history.render();
  }

  // ---- showing

  /** @param {string} id */
  read(id) {
    return this.entries.read(id);
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
    if (this.view?.read === read) return; // it is there
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
    const focus = focusedElement();
    const isLost = this.asking.isShown && (focus === document.body || focus === null);
    const before = this.asking.answerTop();
    const hadFocus = focus !== null && this.parts.stage.contains(focus);
    // First what comes, then what goes: a page that is short for a moment loses its scroll position.
    view.reveal();
    this.leaveView();
    this.view = view;
    this.asking.hide();
    this.composer.setMode("bar");
    this.composer.follow(view.entry, this.entries.questions.get(view.entry.id));
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

  /** @param {File[]} files */
  take(files) {
    takeFiles(this, files);
  }

  /** @param {File} file */
  upload(file) {
    return uploadPicture(this, file);
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
      await this.transport.remove(entryPath(id));
    } catch (error) {
      // One that the server lost already is gone as well.
      if (!["404", "not-found"].includes(asAppError(error).kind)) return this.tell(error);
    }
    this.entries.forget(id);
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
