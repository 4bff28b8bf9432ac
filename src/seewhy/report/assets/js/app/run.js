// A job from its start to its end, with its line: what happens now, and how to end it.

import { AppError, asAppError } from "./failures.js";
import { RunLine } from "./run_line.js";

/** @import {Job, JobEvent, RunOptions, Transport} from "./types.d.ts" */
/** @typedef {{transport: Transport, signal: AbortSignal, announce: (text: string) => void}} Runner */

const CANCELLED = "This was cancelled.";
const GONE = "The server gave this up, because nobody listened for a while. Ask it again.";

/**
 * @param {Runner} runner
 * @param {Job} job
 * @param {RunOptions} options
 * @returns {Promise<any>} the job's result
 */
export function runJob(runner, job, options) {
  return new Promise((resolve, reject) => {
    new Run(runner, options, resolve, reject).start(job);
  });
}

class Run {
  /**
   * @param {Runner} runner
   * @param {RunOptions} options
   * @param {(result: any) => void} resolve
   * @param {(error: AppError) => void} reject
   */
  constructor(runner, options, resolve, reject) {
    this.runner = runner;
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
    /** @type {string | null} */
    this.id = null;
    this.isOver = false;
    this.wantsStop = false;
    this.unlisten = () => {};
    this.line = new RunLine(options.place, {
      cancel: () => this.cancel(),
      stop: options.onAnswer ? () => this.stop() : null,
    });
    this.signals = [runner.signal, ...(options.signal ? [options.signal] : [])];
    this.aborted = () => this.cancel();
  }

  /** @param {Job} job */
  async start(job) {
    for (const signal of this.signals) signal.addEventListener("abort", this.aborted);
    if (this.signals.some(({ aborted }) => aborted)) return this.cancel();
    try {
      const { job: id, position } = await this.runner.transport.post("/api/jobs", job);
      this.id = String(id);
      if (this.isOver) return this.tell("cancel");
      this.hear({ type: "queued", position });
      this.unlisten = this.runner.transport.listen(this.id, (event) => this.hear(event));
      if (this.isOver) this.unlisten();
      if (this.wantsStop) this.tell("stop");
    } catch (error) {
      this.fail(asAppError(error));
    }
  }

  /** @param {JobEvent} event */
  hear(event) {
    if (this.isOver) return;
    const { options, line } = this;
    if (event.type === "done") this.finish(() => this.resolve(event.result));
    else if (event.type === "failed") this.fail(new AppError(event.kind, event.message));
    else if (event.type === "cancelled") this.fail(new AppError("gone", GONE));
    else {
      const text = line.show(event);
      if (event.type === "answer") options.onAnswer?.(event.text);
      if (text) this.runner.announce(text);
      if (event.type === "stage") options.onStage?.(event.text);
    }
  }

  stop() {
    this.wantsStop = true;
    this.line.stopping();
    if (this.id !== null) this.tell("stop");
  }

  cancel() {
    if (this.id !== null && !this.isOver) this.tell("cancel");
    this.fail(new AppError("cancelled", CANCELLED));
  }

  /** @param {"stop" | "cancel"} what */
  tell(what) {
    const path = `/api/jobs/${encodeURIComponent(this.id ?? "")}/${what}`;
    // A job that has ended by itself in the meantime cannot be stopped, and need not be.
    this.runner.transport.post(path).catch(() => {});
  }

  /** @param {AppError} error */
  fail(error) {
    this.finish(() => this.reject(error));
  }

  /** @param {() => void} settle */
  finish(settle) {
    if (this.isOver) return;
    this.isOver = true;
    for (const signal of this.signals) signal.removeEventListener("abort", this.aborted);
    this.unlisten();
    this.line.remove();
    settle();
  }
}
