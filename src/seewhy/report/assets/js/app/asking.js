// From a question to its answer: what is shown meanwhile, and what if it fails.

import { AppError, asAppError } from "./failures.js";
import { Live } from "./live.js";
import { shortened } from "./shortened.js";

/** @import {AppPage} from "./app.js" */
/** @import {Asked} from "./composer.js" */
/** @import {LivePicture} from "./live.js" */

export class Asking {
  /** @param {AppPage} app */
  constructor(app) {
    this.app = app;
    /** The answer that is being written, or what came of it. @type {Live | null} */
    this.live = null;
    this.isRunning = false;
  }

  /** Ask what the composer holds. */
  async ask() {
    const { app } = this;
    const { composer } = app;
    if (composer.isBusy) return composer.tellBusy();
    const asked = await this.asked();
    if (!asked || app.signal.aborted) return;
    composer.isDirty = false;
    composer.setBusy(true);
    this.isRunning = true;
    try {
      await this.answer(asked);
    } catch (error) {
      this.failed(asAppError(error));
    } finally {
      this.isRunning = false;
      composer.setBusy(false);
    }
  }

  /** What the composer holds, once the server has said what can be asked. */
  async asked() {
    const { composer } = this.app;
    if (!composer.options) {
      composer.setBusy(true);
      await this.app.meet();
      composer.setBusy(false);
    }
    return composer.options && composer.question(composer.options);
  }

  /** @param {Asked} asked */
  async answer({ job, question }) {
    const { app } = this;
    const live = await this.begin({ job, question });
    const { entry } = await app.run(job, {
      place: live.status,
      onAnswer: (text) => live.write(text),
      onStage: () => live.finishWriting(),
    });
    app.entries.questions.set(entry.id, question);
    app.history.pending = null;
    // A person who went on to another answer meanwhile is not taken away from it.
    if (live.node.isConnected && !live.node.hidden) await app.show(entry.id);
    if (this.live?.node.hidden) this.discardQuietly();
    app.history.render();
    app.announce(`Answered: ${entry.answer}`);
  }

  /**
   * Show the question where its answer will stand.
   * @param {Asked} asked
   */
  async begin({ job, question }) {
    const { app } = this;
    const pictures = await this.pictures(question, job.kind === "reprompt" ? job.entry : null);
    const options = app.composer.options?.chosen;
    const subject = job.kind === "reprompt" ? app.entries.find(job.entry) : null;
    app.leaveView();
    this.live?.unmount();
    this.live = new Live(app.parts.stage, {
      pictures,
      prompt: job.prompt,
      model: subject?.model ?? options?.model ?? "",
      method: subject?.method ?? options?.method ?? "",
    });
    app.composer.setMode("bar");
    app.name("being answered");
    app.parts.fresh.hidden = false;
    if (app.history)
      app.history.pending = { thumbnail: pictures[0]?.source ?? "", prompt: job.prompt };
    app.history.render();
    return this.live;
  }

  /**
   * What is shown of the question: its own pictures, or those of the answer that is asked again.
   * @param {Asked["question"]} question
   * @param {string | null} entryId
   * @returns {Promise<LivePicture[]>}
   */
  async pictures(question, entryId) {
    const { transport } = this.app;
    if (entryId === null)
      return Promise.all(
        question.pictures.map(async (picture) => ({
          ...picture,
          source: await transport.address(picture.url),
        })),
      );
    const { payload } = await this.app.read(entryId);
    const stills = payload.pictures.filter(
      ({ clip, medium }, i, all) =>
        !clip || all.findIndex((one) => one.clip && one.medium === medium) === i,
    );
    return stills.map(({ name, width, height, source }) => ({
      id: "",
      kind: "picture",
      name,
      width,
      height,
      url: "",
      source,
    }));
  }

  /** @param {AppError} error */
  failed(error) {
    const { app, live } = this;
    app.history.pending = null;
    if (app.signal.aborted) return;
    app.composer.isDirty = true;
    if (error.kind === "cancelled") {
      app.announce("Cancelled");
      this.discard();
    } else if (!live || live.node.hidden) {
      // Whoever looks at something else meanwhile hears of it there.
      const what = `“${shortened(live?.prompt ?? "")}” was not answered. ${error.message}`;
      app.tell(live ? new AppError(error.kind, what) : error);
      this.discardQuietly();
      app.history.render();
    } else {
      live.fail(
        error,
        ["Ask again", () => app.ask()],
        ["Change the question", () => this.discard()],
      );
      app.history.render();
    }
  }

  /** Go back to the question as it was written. */
  discard() {
    const wasShown = this.isShown;
    this.live?.unmount();
    this.live = null;
    if (wasShown) {
      this.app.showQuestion();
      this.app.composer.parts.prompt.focus();
    } else this.app.history.render();
  }

  /** Where the shown answer begins in the window, or null. */
  answerTop() {
    return this.isShown && this.live ? this.live.answerTop() : null;
  }

  get isShown() {
    return this.live !== null && !this.live.node.hidden;
  }

  /** End the writing, as the line's own button does. */
  stop() {
    const stop = this.live?.status.querySelector('[data-does="stop"]:not([hidden])');
    if (stop instanceof HTMLElement) stop.click();
  }

  /** Make room: what is still being written goes on out of sight. */
  hide() {
    if (!this.live) return;
    if (this.isRunning) this.live.node.hidden = true;
    else this.discardQuietly();
  }

  discardQuietly() {
    this.live?.unmount();
    this.live = null;
  }
}
