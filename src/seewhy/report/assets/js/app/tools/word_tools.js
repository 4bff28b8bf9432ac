// The tools of the word that is looked at: edit it, contrast it, find out what it rests on.

import { element } from "../../shared/dom.js";
import { focusedElement } from "../../shared/focus.js";
import { showAnswers } from "./answers_panel.js";
import { showAt } from "./kept_word.js";
import { Panel } from "./panel.js";
import { note, toolButton } from "./parts.js";
import { runVerdicts, verdictObstacle } from "./verdict.js";

/** @import {Desk} from "./desk.js" */

export class WordTools {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.node = element("div", { class: "word-tools" });
    desk.report.slots.word.append(this.node);
    this.stops = [
      desk.report.onWord((word) => this.render(word)),
      desk.report.onCandidate(({ word, text }) => this.contrast(word, text.trim())),
    ];
    desk.app.read(desk.entry.id).then(
      () => this.render(desk.report.word),
      () => {}, // the report is shown, so it was read
    );
  }

  /** @param {number | null} word */
  render(word) {
    const { desk } = this;
    if (word === null || !desk.payload || desk.signal.aborted) {
      this.node.replaceChildren();
      return;
    }
    const text = desk.textOf(word);
    const { obstacle, contrastObstacle } = desk;
    const hasFocus = [...this.node.children].indexOf(focusedElement() ?? this.node);
    this.node.replaceChildren(
      toolButton("Edit", () => this.edit(word), { obstacle, title: `Write another word than “${text}”, and go on from there` }),
      toolButton("Why not …", () => this.ask(word), { obstacle: contrastObstacle, title: `Why “${text}” and not another word` }),
      toolButton("Verdict", () => this.verdict(word), {
        obstacle: obstacle || verdictObstacle(desk.payload, word),
        title: `Find out what “${text}” rests on`,
      }),
    );
    const same = this.node.children[hasFocus];
    if (same instanceof HTMLElement) same.focus({ preventScroll: true });
  }

  /** The button that was pressed; the others of its row are drawn anew. @param {number} i */
  opener(i) {
    const node = this.node.children[i];
    return node instanceof HTMLElement ? node : null;
  }

  /**
   * Write another word, and let the model go on from there.
   * @param {number} word
   */
  edit(word) {
    const { desk } = this;
    const { payload } = desk;
    if (!payload) return;
    const { answer } = payload;
    const { start, end } = payload.words.answer[word];
    const letters = Array.from(answer);
    const text = desk.textOf(word);
    const input = element("input", {
      type: "text",
      value: text,
      "aria-label": `In place of “${text}”`,
      autocomplete: "off",
      spellcheck: "false",
      "--letters": Math.max(Array.from(text).length, 4) + 1,
    });
    input.addEventListener("input", () =>
      input.style.setProperty("--letters", String(Math.max(Array.from(input.value).length, 4) + 1)),
    );
    const written = element("span", { class: "tool-written" });
    const go = element("button", { type: "submit", class: "tool primary" }, "Go on from here");
    const before = letters.slice(0, start).join("");
    const rest = element("span", { class: "edit-rest" }, letters.slice(end).join(""));
    const form = element(
      "form",
      { class: "edit-form" },
      element("p", { class: "edit-text", dir: "auto" }, before, before.endsWith(" ") || !before ? "" : " ", input, written, rest),
      element("div", { class: "tool-actions" }, go),
      note("The answer up to this word is kept. What follows it is written anew. ", desk.duration("continue")),
    );
    const panel = this.panel("edit", `Another word than “${text}”`, 0, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const replacement = input.value.trim();
      if (!replacement) {
        input.focus();
        return;
      }
      rest.hidden = true;
      const result = await panel.run(
        { kind: "continue", entry: desk.entry.id, word, replacement },
        [go],
        { onAnswer: (all) => written.replaceChildren(afterStart(all, before + replacement)) },
      );
      written.replaceChildren();
      rest.hidden = false;
      if (result) await showAnswers(desk, result, { opener: this.opener(0) });
    });
    input.focus();
    input.select();
  }

  /**
   * Ask why the word was said, and not another that a person writes.
   * @param {number} word
   */
  ask(word) {
    const { desk } = this;
    const unit = desk.payload?.words.answer[word];
    if (!unit) return;
    const text = desk.textOf(word);
    const options = unit.candidates.map(([other]) => other.trim()).filter((other) => other && !text.startsWith(other));
    const list = element("datalist", { id: desk.app.id("contrast-words") }, ...options.map((value) => element("option", { value })));
    const input = element("input", { type: "text", list: list.id, autocomplete: "off", spellcheck: "false", "aria-label": `And not`, "--letters": 14 });
    const go = element("button", { type: "submit", class: "tool primary" }, "Show what favours which");
    const form = element(
      "form",
      { class: "edit-form" },
      element("p", { class: "edit-text", dir: "auto" }, `Why “${text}” and not `, input, " ?"),
      list,
      element("div", { class: "tool-actions" }, go),
      note("The map then shows which places favour the one word over the other. ", desk.duration("contrast")),
    );
    const panel = this.panel("contrast", "Why this word and not another", 1, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const other = input.value.trim();
      if (other) this.runContrast(panel, [go], word, other);
      else input.focus();
    });
    input.focus();
  }

  /**
   * Why the word was said and not a candidate that was pressed.
   * @param {number} word
   * @param {string} other
   */
  contrast(word, other) {
    const { desk } = this;
    const obstacle = desk.contrastObstacle;
    const title = `Why “${desk.textOf(word)}” and not “${other}”`;
    const panel = this.panel("contrast", title, 1, obstacle ? desk.reasonNote(obstacle) : null);
    panel.reach();
    if (!obstacle) this.runContrast(panel, [], word, other);
  }

  /**
   * @param {Panel} panel
   * @param {HTMLButtonElement[]} busy
   * @param {number} word
   * @param {string} alternative
   */
  async runContrast(panel, busy, word, alternative) {
    const { app, entry } = this.desk;
    const result = await panel.run({ kind: "contrast", entry: entry.id, word, alternative }, busy);
    if (result) await showAt(app, result.entry.id, word);
  }

  /** @param {number} word */
  verdict(word) {
    const { desk } = this;
    const panel = this.panel(
      "verdict",
      `What “${desk.textOf(word)}” rests on`,
      2,
      note("The picture and the earlier words are changed, and the word’s probability is read again. ", desk.duration("diagnose")),
    );
    panel.reach();
    runVerdicts(desk, panel, [word], []);
  }

  /**
   * @param {string} name
   * @param {string} title
   * @param {number} opener
   * @param {...import("../../shared/dom.js").Child} children
   */
  panel(name, title, opener, ...children) {
    const { desk } = this;
    const holder = desk.report.slots.answer;
    return new Panel(desk, { name, title, holder, opener: this.opener(opener) }, ...children);
  }

  remove() {
    for (const stop of this.stops) stop();
    this.node.remove();
  }
}

/**
 * What a text has after a beginning that it may begin with.
 * @param {string} text
 * @param {string} start
 */
function afterStart(text, start) {
  const own = text.trimStart();
  return own.startsWith(start.trimStart()) ? own.slice(start.trimStart().length) : ` … ${own}`;
}
