// Read along: look at one word of the answer after another.

import { isFolded } from "./thinking.js";

/** @import {Report} from "./report.js" */

const WORD_MS = 750;
const TOKEN_MS = 550;

export class Playback {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.timer = 0;
    report.parts.play.addEventListener("click", () => this.toggle());
    report.signal.addEventListener("abort", () => clearInterval(this.timer));
  }

  get isPlaying() {
    return this.timer !== 0;
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.start();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.showButton();
  }

  start() {
    const { actions, state, text } = this.report;
    const answer = text.placesOf("answer").filter((at) => !isFolded(this.report, at));
    const last = answer[answer.length - 1];
    if (!answer.length) return;
    const isAtEnd = !answer.includes(state.current) || state.current >= last;
    actions.readFrom(isAtEnd ? answer[0] : state.current);
    this.timer = setInterval(
      () => {
        if (state.current >= last) this.stop();
        else actions.look(state.current + 1);
      },
      text.kind === "word" ? WORD_MS : TOKEN_MS,
    );
    this.showButton();
  }

  showButton() {
    const { play, playLabel } = this.report.parts;
    play.setAttribute("aria-pressed", String(this.isPlaying));
    playLabel.textContent = this.isPlaying ? "Stop" : "Read along";
  }
}
