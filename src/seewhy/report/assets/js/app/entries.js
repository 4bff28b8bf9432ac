// The answers of the sitting: what the server said of them, kept once read.

/** @import {AppPage} from "./app.js" */
/** @import {Question} from "./composer.js" */
/** @import {Entry, EntryPayload} from "./types.d.ts" */

/** @param {string} id */
export const entryPath = (id) => `/api/entries/${encodeURIComponent(id)}`;

export class Entries {
  /** @param {AppPage} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, Promise<EntryPayload>>} */
    this.payloads = new Map();
    /** Questions as they were asked on this page, by the entries that answer them.
     * @type {Map<string, Question>} */
    this.questions = new Map();
  }

  get all() {
    return this.app.state.entries;
  }

  /** @param {string | null} id */
  find(id) {
    return this.all.find((entry) => entry.id === id) ?? null;
  }

  /**
   * Have an entry in its place, or as the newest. What was known of its payload is out of date.
   * @param {Entry} entry
   */
  keep(entry) {
    const known = this.find(entry.id);
    this.payloads.delete(entry.id);
    this.app.state.entries = known
      ? this.all.map((one) => (one === known ? entry : one))
      : [...this.all, entry];
  }

  /**
   * @param {string} id
   * @returns {Promise<EntryPayload>}
   */
  read(id) {
    const known = this.payloads.get(id);
    if (known) return known;
    const read = this.app.transport.get(entryPath(id));
    this.payloads.set(id, read);
    read.then(
      ({ entry }) => this.learn(entry),
      () => this.payloads.delete(id),
    );
    return read;
  }

  /**
   * Another window of this sitting may have made an entry.
   * @param {Entry} entry
   */
  learn(entry) {
    if (!this.find(entry.id)) this.app.state.entries = [...this.all, entry];
  }

  /** @param {string} id */
  forget(id) {
    this.app.state.entries = this.all.filter((entry) => entry.id !== id);
    this.payloads.delete(id);
    this.questions.delete(id);
  }
}
