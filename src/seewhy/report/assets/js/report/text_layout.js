// The prompt and the answer as text, with an element for each word or token.

import { element } from "../shared/dom.js";
import { label } from "../shared/text.js";
import { isExplained } from "./text_axis.js";
import { verdictLabel } from "./verdict_legend.js";
import { isDiagnosed, isDoubtful, placesOfWord, verdictOf, wordOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece, Piece} from "./types.d.ts" */
/** @import {TurnData, VerdictData} from "./payload.d.ts" */

const FULL_EVIDENCE = 0.6; // from here on a word is as dark as the ink
const LONG_ANSWER = 220; // characters
/** @type {Record<string, string>} */
const ROLES = { system: "System", user: "User", assistant: "Assistant" };

/** @typedef {(piece: Piece) => HTMLElement} MakeNode */

/** @param {Report} report */
export function layOutText(report) {
  const { pieces } = report.text;
  /** @type {MakeNode} */
  const makeNode = (piece) => {
    piece.node = isExplained(piece)
      ? explainedNode(report, piece, pieces.indexOf(piece))
      : element("span", {}, piece.text.trimStart());
    return piece.node;
  };
  layOutPrompt(report, makeNode);
  layOutAnswer(report, makeNode);
}

/**
 * The element of a piece that can be looked at.
 * @param {Report} report
 * @param {ExplainedPiece} piece
 * @param {number} at
 */
function explainedNode({ id, text }, piece, at) {
  const kind = piece.part === "answer" ? "unit" : "prompt-unit";
  const verdict = verdictOf(text, piece);
  const classes = [
    "unit",
    ...(text.foil(piece) === null ? [] : ["contrasted"]),
    // A style draws the mark: an element would break the line where the answer is copied.
    ...(verdict && isFirstOfWord(text, piece, at) ? ["marked"] : []),
    ...(verdict && isDoubtful(verdict) ? ["doubtful"] : []),
  ];
  return element(
    "span",
    {
      class: classes.join(" "),
      role: "option",
      tabindex: "-1",
      id: id(`${kind}-${piece.index}`),
      "data-index": piece.index,
      "data-at": at,
      "--evidence": Math.min(1, piece.unit.brightness / FULL_EVIDENCE).toFixed(3),
      "data-source": verdict?.source,
      "aria-label": accessibleName(piece, verdict),
    },
    piece.text.trimStart() || (piece.text ? "␣" : "∅"),
  );
}

/**
 * What a screen reader says of a piece, where its text alone would say too little.
 * @param {ExplainedPiece} piece
 * @param {VerdictData | null} verdict
 */
function accessibleName({ text }, verdict) {
  const name = text.trim() ? null : "no visible text";
  return verdict ? `${name ?? label(text)}: ${verdictLabel(verdict)}` : name;
}

/**
 * Whether a piece carries its word's mark: of several tokens the first does.
 * @param {Report["text"]} text
 * @param {ExplainedPiece} piece
 * @param {number} at
 */
function isFirstOfWord(text, piece, at) {
  const ref = wordOf(text, piece);
  return ref !== null && placesOfWord(text, ref)[0] === at;
}

/**
 * @param {Report} report
 * @param {MakeNode} makeNode
 */
function layOutAnswer({ parts, payload, text }, makeNode) {
  parts.answer.replaceChildren();
  parts.answer.dataset.segmentation = text.segmentation;
  parts.answer.dataset.diagnosed = String(isDiagnosed(text));
  parts.answer.dataset.length = payload.answer.length > LONG_ANSWER ? "long" : "short";
  layOut(
    parts.answer,
    payload.answer,
    text.pieces.filter(({ part }) => part === "answer"),
    makeNode,
  );
}

/**
 * The prompt: a question as a line, a conversation turn by turn.
 * @param {Report} report
 * @param {MakeNode} makeNode
 */
function layOutPrompt({ parts, payload, text }, makeNode) {
  const pieces = text.pieces.filter(({ part }) => part === "prompt");
  describePrompt(parts, text, pieces);
  for (const turn of text.turns) {
    const words = element("span", { class: "words" });
    const own = pieces.filter((piece) => text.turnOf(piece) === turn);
    layOut(words, payload.prompt, own, makeNode, turn.start, turn.end);
    parts.prompt.append(...(text.isChat ? [turnNode(turn, words)] : words.childNodes));
  }
}

/**
 * @param {Report["parts"]} parts
 * @param {Report["text"]} text
 * @param {Piece[]} pieces
 */
function describePrompt({ prompt, promptBlock, promptTitle }, text, pieces) {
  prompt.replaceChildren();
  prompt.dataset.segmentation = text.segmentation;
  promptBlock.dataset.chat = String(text.isChat);
  promptTitle.textContent = text.isChat ? "The conversation" : "Asked";
  if (!pieces.some(isExplained)) return;
  prompt.setAttribute("role", "listbox");
  prompt.setAttribute("aria-multiselectable", "true");
  prompt.setAttribute("aria-labelledby", promptTitle.id);
}

/**
 * @param {TurnData} turn
 * @param {HTMLElement} words
 */
function turnNode(turn, words) {
  const role = ROLES[turn.role] ?? turn.role;
  return element(
    "div",
    { class: "turn", role: "group", "aria-label": role, "data-role": turn.role },
    element("span", { class: "eyebrow", "aria-hidden": "true" }, role),
    words,
  );
}

/**
 * Lay out a text's characters from `start` to `end`, with an element for each piece and plain text
 * between. Offsets are code points.
 * @param {HTMLElement} holder
 * @param {string} text
 * @param {Piece[]} pieces
 * @param {MakeNode} makeNode
 * @param {number} [start]
 * @param {number} [end]
 */
function layOut(holder, text, pieces, makeNode, start = 0, end = Infinity) {
  const characters = Array.from(text);
  let cursor = start;
  for (const piece of pieces) {
    if (piece.start > cursor) holder.append(characters.slice(cursor, piece.start).join(""));
    // The space before a token is outside its box, or a line's end would show an empty one.
    if (holder.hasChildNodes()) holder.append(piece.text.match(/^\s*/u)?.[0] ?? "");
    holder.append(makeNode(piece));
    cursor = Math.max(cursor, piece.end);
  }
  holder.append(characters.slice(cursor, end).join(""));
}
