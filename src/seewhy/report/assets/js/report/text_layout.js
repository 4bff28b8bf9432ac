// The prompt and the answer as text, with an element for each word or token.

import { element } from "../shared/dom.js";
import { capitalize, label } from "../shared/text.js";
import { layOutTiles } from "./overview.js";
import { setScript } from "./scripts.js";
import { isExplained } from "./text_axis.js";
import { plainText, thinkingBlock } from "./thinking.js";
import { verdictLabel } from "./verdict_legend.js";
import { isDiagnosed, isDoubtful, placesOfWord, verdictOf, wordOf } from "./verdicts.js";

/** @import {Report} from "./report.js" */
/** @import {ExplainedPiece, Piece} from "./types.d.ts" */
/** @import {TurnData, VerdictData} from "./payload.d.ts" */

const FULL_EVIDENCE = 0.6; // from here on a word is as dark as the ink
const LONG_ANSWER = 220; // characters
const LONG_PROMPT = 600;
/** @type {Record<string, string>} */
const ROLES = { system: "System", user: "User", assistant: "Assistant" };

/** @typedef {(piece: Piece) => HTMLElement} MakeNode */

/** @param {Report} report */
export function layOutText(report) {
  const places = new Map(report.text.pieces.map((piece, at) => [piece, at]));
  /** @type {MakeNode} */
  const makeNode = (piece) => {
    piece.node = isExplained(piece)
      ? explainedNode(report, piece, places.get(piece) ?? -1)
      : element("span", { class: piece.special ? "special" : null }, piece.text.trimStart());
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
    ...(piece.special ? ["special"] : []),
    ...(isSignedNumber(piece.text) ? ["signed"] : []),
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
function accessibleName({ text, special }, verdict) {
  const name = special ? `markup ${nameOfMarkup(text)}` : text.trim() ? null : "no visible text";
  return verdict ? `${name ?? label(text)}: ${verdictLabel(verdict)}` : name;
}

/**
 * A number with a sign before it: among words that run from right to left the sign would move.
 * @param {string} text
 */
const isSignedNumber = (text) => /^\s*[-+−±]\p{N}/u.test(text);

/**
 * A special token as words: "box start" for `<|box_start|>`, "end of think" for `</think>`.
 * @param {string} text
 */
function nameOfMarkup(text) {
  const words = text.match(/[\p{L}\p{N}]+/gu)?.join(" ") ?? text;
  return /^\W*\//u.test(text) ? `end of ${words}` : words;
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
function layOutAnswer(report, makeNode) {
  const { parts, payload, text } = report;
  const pieces = text.pieces.filter(({ part }) => part === "answer");
  const thinking = pieces.filter((piece) => piece.thinking);
  const final = pieces.filter((piece) => !piece.thinking);
  parts.answer.replaceChildren();
  parts.answer.dataset.segmentation = text.segmentation;
  parts.answer.dataset.diagnosed = String(isDiagnosed(text));
  parts.answer.dataset.length = payload.answer.length > LONG_ANSWER ? "long" : "short";
  setScript(parts.answer, plainText(final.length ? final : pieces));
  const block = thinkingBlock(report, thinking, () => layOutTiles(report));
  if (block) {
    layOut(asList(block.words, "Words of the thinking"), payload.answer, thinking, makeNode, 0, text.thinkingEnd);
    parts.answer.append(block.node);
  }
  const start = block ? (final[0]?.start ?? text.thinkingEnd) : 0;
  // The list holds words alone: a block that can be folded is no item of one.
  const words = asList(element("span"), `${capitalize(text.kind)}s of the answer`);
  layOut(words, payload.answer, final, makeNode, start);
  if (final.length) parts.answer.append(words);
}

/**
 * Make an element a list of words, of which several can be chosen.
 * @param {HTMLElement} node
 * @param {string} name
 */
function asList(node, name) {
  node.setAttribute("role", "listbox");
  node.setAttribute("aria-multiselectable", "true");
  node.setAttribute("aria-label", name);
  return node;
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
    setScript(text.isChat ? words : parts.prompt, plainText(own));
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
  prompt.dataset.length = text.payload.prompt.length > LONG_PROMPT ? "long" : "short";
  promptBlock.dataset.chat = String(text.isChat);
  promptTitle.textContent = text.isChat ? "The conversation" : "Asked";
  if (!pieces.some(isExplained)) return;
  prompt.setAttribute("aria-multiselectable", "true");
  prompt.setAttribute("role", "listbox");
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
  let isFirst = true;
  for (const piece of pieces) {
    if (piece.start > cursor) holder.append(characters.slice(cursor, piece.start).join(""));
    // The space before a token is outside its box, or a line's end would show an empty one.
    if (!isFirst || piece.start > start) holder.append(piece.text.match(/^\s*/u)?.[0] ?? "");
    isFirst = false;
    holder.append(makeNode(piece));
    cursor = Math.max(cursor, piece.end);
  }
  holder.append(characters.slice(cursor, end).join(""));
}
