// A word's verdict in the details: its sentence, what was changed, and the chain that it is part of.

import { element } from "../shared/dom.js";
import { focusedElement } from "../shared/focus.js";
import { label, percent, unbroken } from "../shared/text.js";
import { meaning, verdictMark } from "../shared/verdict_marks.js";
import { changePlot } from "./change_plot.js";
import { chainFrom, followersOf } from "./verdict_chain.js";
import { isDoubtful, placesOfWord, spanOf, verdictOfWord, wordOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {VerdictData} from "./payload.d.ts" */
/** @import {ChainLink} from "./verdict_chain.js" */
/** @import {ExplainedPiece} from "./types.d.ts" */
/** @import {WordRef} from "./verdicts.js" */

/**
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @param {VerdictData} verdict
 */
export function verdictPanel(report, piece, verdict) {
  const { id, text } = report;
  const ref = wordOf(text, piece);
  return element(
    "section",
    { class: "verdict", id: id("verdict"), "data-source": verdict.source },
    headline(verdict),
    element("p", { class: "summary", dir: "auto", id: id("verdict-sentence") }, unbroken(verdict.sentence)),
    ref && tokenNote(report, ref),
    ...(ref ? chain(report, ref) : []),
    changePlot(report, verdict),
  );
}

/**
 * What the page says where a word of the answer has no verdict.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 */
export function noVerdictNote({ id, options, payload }, { part }) {
  if (part !== "answer") return null;
  const note = payload.verdicts
    ? "No verdict: only words that say something have one, such as nouns, colours and numbers."
    : `This does not say why the word was said. To find that out, ${options.verdictHint}.`;
  return element("p", { class: "verdict-note", id: id("no-verdict") }, note);
}

/** @param {VerdictData} verdict */
function headline(verdict) {
  const meter = element(
    "span",
    { class: "support-meter", "aria-hidden": "true", "--strength": verdict.support },
    element("i"),
  );
  const support = element("span", { class: "support" }, "support ", meter, percent(verdict.support));
  const kind = isDoubtful(verdict) ? "verdict-head doubtful" : "verdict-head";
  const name = element("b", {}, meaning(verdict.source));
  return element("p", { class: kind }, verdictMark(verdict.source), name, support);
}

/**
 * Verdicts belong to words: a token shows that of its word.
 * @param {Report} report
 * @param {WordRef} ref
 */
function tokenNote({ text }, ref) {
  if (text.segmentation === "words") return null;
  const note = `This is the verdict of the word “${wordText(text, ref)}”, which the token belongs to.`;
  return element("p", { class: "verdict-note" }, note);
}

/**
 * @param {Report} report
 * @param {WordRef} ref
 */
function chain(report, ref) {
  const links = chainFrom(report.text, ref);
  const followers = followersOf(report.text, ref);
  const steps = links.map((link, i) => chainStep(report, link, i));
  const path = element("ol", { class: "chain" }, ...steps);
  const nav = element("nav", { id: report.id("chain"), "aria-label": "What it follows from" }, path);
  return [...(links.length > 1 ? [nav] : []), followerList(report, followers)];
}

/**
 * @param {Report} report
 * @param {ChainLink} link
 * @param {number} i
 */
function chainStep(report, { ref, verdict, relation }, i) {
  const mark = verdict ? verdictMark(verdict.source) : null;
  const here = element("b", { "aria-current": "true" }, mark, quoted(report, ref));
  const word = i ? wordLink(report, ref, `chain-${i}`) : here;
  return element("li", {}, word, " ", element("span", { class: "relation" }, relation));
}

/**
 * Words that rest on this one.
 * @param {Report} report
 * @param {WordRef[]} followers
 */
function followerList(report, followers) {
  if (!followers.length) return null;
  const links = followers.map((ref, i) => wordLink(report, ref, `follower-${i}`));
  return element("p", { class: "followers" }, "What rests on it: ", ...links);
}

/**
 * A button that leads to a word; only its text where the word was not explained.
 * @param {Report} report
 * @param {WordRef} ref
 * @param {string} name
 */
function wordLink(report, ref, name) {
  const { id, text } = report;
  const at = placesOfWord(text, ref)[0] ?? -1;
  const verdict = verdictOfWord(text, ref);
  const content = [verdict ? verdictMark(verdict.source) : null, quoted(report, ref)];
  if (!text.isExplained(at)) return element("span", { class: "word-link" }, ...content);
  const attributes = { type: "button", class: "word-link", id: id(name) };
  return element("button", { ...attributes, onclick: () => goTo(report, at) }, ...content);
}

/**
 * Look at a word, and keep the focus where the chain goes on, else on the word.
 * @param {Report} report
 * @param {number} at
 */
function goTo({ actions, parts, text }, at) {
  actions.choose(at);
  if (!parts.details.contains(focusedElement()))
    text.pieces[at].node?.focus({ preventScroll: true });
}

/**
 * Look at the word that the current one follows from, if there is one that can be looked at.
 * @param {Report} report
 */
export function followChain(report) {
  const { state, text } = report;
  const ref = text.isExplained(state.current) ? wordOf(text, text.pieces[state.current]) : null;
  const next = ref && chainFrom(text, ref)[1]?.ref;
  const at = next ? (placesOfWord(text, next)[0] ?? -1) : -1;
  if (text.isExplained(at)) goTo(report, at);
}

/**
 * @param {Report} report
 * @param {WordRef} ref
 */
const quoted = ({ text }, ref) => element("bdi", {}, wordText(text, ref));

/**
 * @param {Report["text"]} text
 * @param {WordRef} ref
 */
const wordText = (text, ref) => label(spanOf(text, ref)?.text ?? "");
