// One of the worst words: its picture with the map, the answer, the verdict and its numbers.

import { element } from "../shared/dom.js";
import { label, percent, unbroken } from "../shared/text.js";
import { meaning, verdictMark } from "../shared/verdict_marks.js";
import { truthOf } from "./filters.js";
import { picture } from "./picture.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditAnswer, AuditWord} from "./payload.d.ts" */

/** Characters of an answer that are shown on each side of the word. */
const AROUND = 220;

/** @type {Record<string, string>} */
const TRUTHS = { true: "✓ true", untrue: "✗ not true" };

/**
 * @param {Audit} audit
 * @param {AuditWord} word
 * @param {number} rank
 */
export function card(audit, word, rank) {
  const answer = audit.payload.answers[word.answer];
  return element(
    "li",
    { class: "card", tabindex: "-1", "data-source": word.source, "data-lemma": word.lemma },
    picture(audit, word, answer),
    element(
      "div",
      { class: "card-text" },
      head(word, rank),
      quoted(answer.text, word),
      element("p", { class: "verdict-sentence" }, unbroken(word.sentence)),
      numbers(word),
      origin(answer, word),
    ),
  );
}

/**
 * @param {AuditWord} word
 * @param {number} rank
 */
function head(word, rank) {
  const truth = truthOf(word.supported);
  const said = TRUTHS[truth];
  return element(
    "p",
    { class: "card-head" },
    element("span", { class: "rank number" }, String(rank)),
    element("b", { class: "card-word" }, label(word.text)),
    element("span", { class: "badge" }, verdictMark(word.source), meaning(word.source)),
    said ? element("span", { class: "badge truth-badge", "data-truth": truth }, said) : null,
  );
}

/**
 * The answer with the word marked; a long one is cut around it.
 * @param {string} text
 * @param {AuditWord} word
 */
function quoted(text, { start, end }) {
  const characters = Array.from(text);
  const [from, to] = [Math.max(0, start - AROUND), Math.min(characters.length, end + AROUND)];
  /** @param {number} a @param {number} b */
  const part = (a, b) => characters.slice(a, b).join("");
  return element(
    "blockquote",
    {},
    from ? "… " : null,
    part(from, start),
    element("mark", {}, part(start, end)),
    part(end, to),
    to < characters.length ? " …" : null,
  );
}

/** @param {AuditWord} word */
function numbers({ support, probability, visual_share: visual, follows, follows_part: part }) {
  const where = part === "prompt" ? " of the prompt" : "";
  return element(
    "dl",
    { class: "numbers" },
    ...fact("support", percent(support), support),
    ...fact("probability", percent(probability)),
    ...(visual === null ? [] : fact("taken from the picture", percent(visual))),
    ...(follows ? fact("follows", `${follows}${where}`) : []),
  );
}

/**
 * @param {string} name
 * @param {string} value
 * @param {number | null} [strength] of a bar
 */
function fact(name, value, strength = null) {
  const meter = { class: "meter", "aria-hidden": "true", "--value": strength };
  const bar = strength === null ? null : element("span", meter, element("i"));
  return [element("div", {}, element("dt", {}, name), element("dd", {}, bar, value))];
}

/**
 * @param {AuditAnswer} answer
 * @param {AuditWord} word
 */
function origin({ id, image, prompt, report }, { word }) {
  const link = report
    ? element("a", { href: `${report}#word=${word}` }, "Open the report")
    : null;
  return element(
    "p",
    { class: "origin" },
    link,
    element("span", { class: "id", title: image }, id),
    prompt ? element("span", { class: "asked", title: prompt }, `“${prompt}”`) : null,
  );
}
