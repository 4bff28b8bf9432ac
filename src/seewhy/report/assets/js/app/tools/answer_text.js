// An answer as text, with marks at the words that another answer does not have.

import { element } from "../../shared/dom.js";

/** @import {Payload} from "../../report/payload.d.ts" */

/**
 * @param {Payload} payload
 * @param {Set<number>} marked words that only this answer has
 * @param {"del" | "ins"} tag what a marked word is
 * @param {(word: number) => void} choose called with the word that is pressed
 */
export function answerText({ answer, words }, marked, tag, choose) {
  const letters = Array.from(answer); // offsets count code points
  /** @type {(Node | string)[]} */
  const children = [];
  let cursor = 0;
  words.answer.forEach((word, index) => {
    const text = letters.slice(word.start, word.end).join("");
    // The space before a word is outside its mark.
    const space = text.match(/^\s*/u)?.[0] ?? "";
    children.push(letters.slice(cursor, word.start).join("") + space);
    const traits = { type: "button", "data-word": index };
    const button = element("button", traits, text.slice(space.length));
    button.addEventListener("click", () => choose(index));
    children.push(marked.has(index) ? element(tag, {}, button) : button);
    cursor = word.end;
  });
  children.push(letters.slice(cursor).join(""));
  return element("p", { class: "answers-text", dir: "auto" }, ...children);
}
