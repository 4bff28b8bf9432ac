// A figure as LaTeX, and its caption in plain English: as in seewhy/report/figure/latex.py and caption.py.

import { modelName, plain, probability, shortened } from "./figure_texts.js";

/** @import {Payload} from "./payload.d.ts" */
/** @import {FigureContent, ShownWord} from "./figure_content.js" */
/** @import {Display} from "./types.d.ts" */

/** A part of a caption: text, a quotation, or a name in typewriter letters.
 * @typedef {["text" | "quote" | "code", string]} Piece */

const LONGEST_QUOTE = 400;

/** @type {Record<Display, string>} */
const SCALES = {
  answer: "All maps share one scale, so that they can be compared.",
  word: "Each map has its own scale: compare shapes, not brightness.",
  joint: "Each map is scaled together with the scores of the words before it.",
};

/** @type {Record<string, string>} */
const ESCAPES = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  '"': "{\\char34}",
  "`": "\\textasciigrave{}",
  "“": "``",
  "”": "''",
  "‘": "`",
  "’": "'",
  "–": "--",
  "—": "---",
  "…": "\\ldots{}",
  "⏎": "\\textbackslash{}n",
  "⇥": "\\textbackslash{}t",
  "\u00a0": "~",
  "\0": "{}",
};

/**
 * A figure environment that includes a file of a name, PDF or PNG.
 * @param {Payload} payload
 * @param {FigureContent} content
 * @param {string} stem
 * @param {number} widthCm
 */
export function figureTex(payload, content, stem, widthCm) {
  const caption = captionPieces(payload, content);
  return [
    "% Needs \\usepackage{graphicx}.",
    `% Save the picture beside this file as ${stem}.png, or make a PDF of the saved explanation:`,
    `% seewhy figure FOLDER${content.numbers} --out ${stem}.pdf`,
    ...fontNotes(caption).map((note) => `% ${note}`),
    "\\begin{figure}[t]",
    "  \\centering",
    `  \\includegraphics[width=${widthCm.toFixed(2)}cm]{${stem}}`,
    `  \\caption{${caption.map(piece).join("")}}`,
    `  \\label{fig:${stem}}`,
    "\\end{figure}",
    "",
  ].join("\n");
}

/**
 * A text for LaTeX, in which nothing of it is a command.
 * @param {string} text
 */
export function escaped(text) {
  const clean = text.replace(/\p{Cc}/gu, " ").replace(/([-',])(?=\1)/gu, "$1\0");
  return Array.from(clean, (one) => ESCAPES[one] ?? one).join("");
}

/**
 * @param {Payload} payload
 * @param {FigureContent} content
 * @returns {Piece[]}
 */
function captionPieces({ origin, pictures, prompt, answer }, { words, display }) {
  const place = pictures.length > 1 ? "pictures" : "picture";
  const many = words.length > 1 ? "words" : "a word";
  return [
    ["text", `Evidence in the ${place} for ${many} said by `],
    ["code", plain(modelName(origin.model))],
    ["text", ", found by the method "],
    ["code", plain(origin.method)],
    ["text", "."],
    ...quoted("Question", prompt),
    ...quoted("Answer", answer),
    ["text", ` Bright places are strong evidence for the word. ${SCALES[display]}`],
    ...words.flatMap(contrast),
    ...probabilities(words),
  ];
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {Piece[]}
 */
function quoted(name, text) {
  const told = shortened(plain(text), LONGEST_QUOTE);
  return told ? [["text", ` ${name}: `], ["quote", told], ["text", "."]] : [];
}

/**
 * @param {ShownWord} word
 * @returns {Piece[]}
 */
function contrast({ title, foil }) {
  if (foil === null) return [];
  return [
    ["text", " The map of "],
    ["quote", title],
    ["text", " shows what speaks for it rather than for "],
    ["quote", plain(foil)],
    ["text", "."],
  ];
}

/**
 * @param {ShownWord[]} words
 * @returns {Piece[]}
 */
function probabilities(words) {
  const chosen = words.filter(({ piece: { part } }) => part === "answer");
  if (!chosen.length) return [];
  const told = chosen.flatMap(({ piece: { unit }, title }, i) => [
    /** @type {Piece} */ (["text", i ? ", " : " Probabilities (p): "]),
    /** @type {Piece} */ (["quote", title]),
    /** @type {Piece} */ (["text", ` ${probability(unit.probability).replace("= ", "")}`]),
  ]);
  return [...told, ["text", "."]];
}

/** @param {Piece} piece */
function piece([kind, text]) {
  const own = escaped(text);
  if (kind === "code") return `\\texttt{${own}}`;
  if (kind === "text") return own;
  // A quotation that itself begins or ends with a quotation mark is kept apart from ours.
  return `\`\`${/^[`']/u.test(own) ? "{}" : ""}${own}${/[`']$/u.test(own) ? "{}" : ""}''`;
}

/**
 * What to know where the caption holds letters that pdfLaTeX cannot set by itself.
 * @param {Piece[]} caption
 */
function fontNotes(caption) {
  const texts = caption.map(([, text]) => text).join("");
  const foreign = new Set(Array.from(texts).filter((one) => !(one in ESCAPES) && !isKnown(one)));
  if (!foreign.size) return [];
  const told = [...foreign].slice(0, 8).map((one) => `U+${codePoint(one)}`);
  return [
    `The caption holds characters that pdfLaTeX cannot set (${told.join(" ")}): use LuaLaTeX or XeLaTeX`,
    "with a font that has them, such as Noto (package fontspec).",
  ];
}

/** @param {string} one */
const isKnown = (one) => /[\x00-\x7f]/u.test(one) || (/\p{Script=Latin}/u.test(one) && one < "\u0180");

/** @param {string} one */
const codePoint = (one) => (one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
