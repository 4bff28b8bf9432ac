// The tools of the whole answer: another question, all verdicts, side by side.

import { element } from "../../shared/dom.js";
import { showAnswers } from "./answers_panel.js";
import { CompareForm } from "./compare_form.js";
import { Panel } from "./panel.js";
import { note, toolButton } from "./parts.js";
import { runVerdicts } from "./verdict.js";

/** @import {Desk} from "./desk.js" */

export class AnswerTools {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    const { obstacle } = desk;
    this.question = toolButton("Ask differently", () => this.reprompt(), {
      obstacle,
      title: "The same picture, another question",
    });
    this.verdicts = toolButton("Verdicts", () => this.diagnose(), {
      obstacle,
      title: "Find out what every word rests on",
    });
    this.compare = toolButton("Side by side", () => new CompareForm(desk, this.compare), {
      title: "Beside other methods, models, pictures or answers",
    });
    const all = [this.question, this.verdicts, this.compare];
    for (const button of all) button.setAttribute("aria-expanded", "false");
    this.node = element(
      "div",
      { class: "answer-tools", role: "group", "aria-label": "Ask back" },
      ...all,
      obstacle ? desk.reasonNote(obstacle) : null,
    );
    desk.report.slots.answer.append(this.node);
  }

  /** The same picture, another question. */
  reprompt() {
    const { desk } = this;
    const field = element("textarea", { rows: 2, "aria-label": "The question" });
    const most = desk.app.state.limits.prompt_characters;
    if (most) field.maxLength = most;
    field.value = desk.entry.prompt;
    const written = element("p", { class: "tool-written", dir: "auto" });
    const go = element("button", { type: "submit", class: "tool primary" }, "Ask");
    const form = element(
      "form",
      { class: "edit-form" },
      field,
      element("div", { class: "tool-actions" }, go),
      note("The picture stays. Both answers are then shown side by side. ", desk.duration("reprompt")),
      written,
    );
    const panel = this.panel("reprompt", "The same picture, another question", this.question, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const prompt = field.value.trim();
      if (!prompt) {
        field.focus();
        return;
      }
      const result = await panel.run({ kind: "reprompt", entry: desk.entry.id, prompt }, [go], {
        onAnswer: (text) => written.replaceChildren(text),
      });
      written.replaceChildren();
      if (result) await showAnswers(desk, result, { opener: this.question });
    });
    field.focus();
    field.select();
  }

  /** What every word rests on. */
  diagnose() {
    const { desk } = this;
    const count = desk.payload?.words.answer.length ?? 0;
    const go = toolButton(`Find out for all ${count} words`, () => runVerdicts(desk, panel, null, [go]), {
      kind: "primary",
    });
    const panel = this.panel(
      "verdict",
      "What every word rests on",
      this.verdicts,
      note(
        "The picture and the earlier words are changed many times, and each word’s probability is read again. For a single word, choose “Verdict” at the word. ",
        desk.duration("diagnose"),
      ),
      element("div", { class: "tool-actions" }, go),
    );
    go.focus();
  }

  /**
   * @param {string} name
   * @param {string} title
   * @param {HTMLElement} opener
   * @param {...import("../../shared/dom.js").Child} children
   */
  panel(name, title, opener, ...children) {
    const holder = this.desk.report.slots.answer;
    return new Panel(this.desk, { name, title, holder, opener }, ...children);
  }

  remove() {
    this.node.remove();
  }
}
