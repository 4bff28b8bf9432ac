// Pointing at words. A finger looks first and pins on the second tap; it may also slide along.

import { elementAt } from "../shared/focus.js";
import { isComparison } from "./selection.js";

/** @import {Report} from "./report.js" */

const RETURN_MS = 220; // until the pinned word is shown again

export class WordPointer {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.lastTapped = -1;
    this.isPressed = false;
    this.returnTimer = 0;
    const { parts, signal } = report;
    for (const holder of [parts.prompt, parts.answer]) this.listenToText(holder);
    this.listenToTiles(parts.tiles);
    const release = () => {
      this.isPressed = false;
    };
    addEventListener("pointerup", release, { signal });
    addEventListener("pointercancel", release, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.returnTimer));
  }

  /** @param {HTMLElement} holder */
  listenToText(holder) {
    holder.addEventListener("pointerover", (event) => this.point(event));
    holder.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") this.point(event);
    });
    holder.addEventListener("pointerdown", () => {
      this.isPressed = true;
    });
    holder.addEventListener("pointerleave", () => this.returnToPin());
    holder.addEventListener("click", (event) => this.tap(event));
    holder.addEventListener("focusin", (event) => this.focus(event));
  }

  /** @param {HTMLElement} tiles */
  listenToTiles(tiles) {
    const { actions, playback, state } = this.report;
    tiles.addEventListener("click", (event) => {
      const at = placeOf(event.target);
      if (at >= 0) actions.pin(at);
    });
    tiles.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") this.point(event);
    });
    tiles.addEventListener("pointerleave", () => {
      if (state.pins.length === 1 && !playback.isPlaying) actions.look(state.pins[0]);
    });
  }

  /** @param {PointerEvent} event */
  point(event) {
    const { actions, playback, state } = this.report;
    const isTouch = event.pointerType === "touch";
    const at = placeOf(
      isTouch ? elementAt(event.clientX, event.clientY) : event.target,
    );
    if (at < 0 || (isTouch && event.type === "pointermove" && !this.isPressed)) return;
    clearTimeout(this.returnTimer);
    if (playback.isPlaying) playback.stop();
    if (!isComparison(state)) actions.look(at);
  }

  /** With one pin, it is shown again once nothing else is pointed at. */
  returnToPin() {
    const { actions, playback, state } = this.report;
    if (state.pins.length !== 1 || playback.isPlaying) return;
    clearTimeout(this.returnTimer);
    this.returnTimer = setTimeout(() => actions.look(state.pins[0]), RETURN_MS);
  }

  /** @param {MouseEvent} event */
  tap(event) {
    const { actions, playback, text } = this.report;
    const at = placeOf(event.target);
    if (at < 0) return;
    if (playback.isPlaying) playback.stop();
    const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
    const isFirst = isTouch && this.lastTapped !== at;
    this.lastTapped = at;
    text.pieces[at].node?.focus({ preventScroll: true });
    if (isFirst) actions.choose(at);
    else actions.pin(at);
  }

  /** @param {FocusEvent} event */
  focus(event) {
    const at = placeOf(event.target);
    if (at >= 0 && !isComparison(this.report.state)) this.report.actions.look(at);
  }
}

/**
 * The place on the text axis of a word or tile, or -1.
 * @param {EventTarget | null} target
 */
export function placeOf(target) {
  const node = target instanceof Element ? target.closest(".unit, .tile") : null;
  return node instanceof HTMLElement ? Number(node.dataset.at) : -1;
}
