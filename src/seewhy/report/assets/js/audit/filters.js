// Which words and rows fit the filters.

/** @import {AuditCause, AuditGroup, AuditWord} from "./payload.d.ts" */
/** @import {Filters, TableName} from "./types.d.ts" */

/** @type {Readonly<Filters>} */
export const NO_FILTERS = {
  find: "",
  word: "",
  source: "",
  role: "",
  category: "",
  prompt: "",
  cause: "",
  truth: "",
  from: 0,
  to: 1,
};

/**
 * A cause as one text, to be kept in an address.
 * @param {{lemma: string, follows: string, part: string}} cause
 */
export const causeKey = ({ lemma, follows, part }) =>
  [lemma, follows, part].map(encodeURIComponent).join("/");

/**
 * The cause that a word belongs to.
 * @param {AuditWord} word
 */
const causeOf = ({ lemma, follows, follows_part: part }) => causeKey({ lemma, follows, part });

/**
 * What the truth says, as a filter's value.
 * @param {boolean | null} supported
 */
export const truthOf = (supported) =>
  supported === null ? "unknown" : supported ? "true" : "untrue";

/**
 * Whether a word fits all filters.
 * @param {AuditWord} word
 * @param {string} prompt of its answer
 * @param {Filters} filters
 */
export function fits(word, prompt, filters) {
  return (
    contains(word.lemma, filters.find) &&
    equals(word.lemma, filters.word) &&
    equals(word.source, filters.source) &&
    equals(word.role, filters.role) &&
    equals(word.category, filters.category) &&
    equals(prompt, filters.prompt) &&
    fitsCause(word, filters.cause) &&
    equals(truthOf(word.supported), filters.truth) &&
    isWithin(word.support, filters)
  );
}

/**
 * Whether a row of a table has words that fit the filters. A table does not filter by its own key:
 * the row of that key is marked instead.
 * @param {TableName} table
 * @param {AuditGroup} group
 * @param {Filters} filters
 */
export function groupFits(table, group, filters) {
  const isWord = table === "word";
  return (
    (!isWord || contains(group.key, filters.find)) &&
    has(group.sources, filters.source) &&
    has(group.roles, filters.role) &&
    (!isWord || !filters.cause || nameIn(filters.cause) === group.key) &&
    truthCount(group, filters.truth) > 0 &&
    isWithin(group.support, filters)
  );
}

/**
 * Whether a cause fits the filters. All causes are of words that follow from words.
 * @param {AuditCause} cause
 * @param {Filters} filters
 */
export function causeFits(cause, filters) {
  const { lemma, follows, role, known, untrue, rate } = cause;
  const truths = { known, untrue, words: rate.count };
  return (
    (contains(lemma, filters.find) || contains(follows, filters.find)) &&
    (equals(lemma, filters.word) || equals(follows, filters.word)) &&
    equals("words", filters.source) &&
    equals(role, filters.role) &&
    truthCount(truths, filters.truth) > 0
  );
}

/** @param {Filters} filters */
export const isFiltered = (filters) =>
  Object.entries(NO_FILTERS).some(
    ([name, value]) => filters[/** @type {keyof Filters} */ (name)] !== value,
  );

/**
 * The word that a cause's key says.
 * @param {string} key
 */
const nameIn = (key) => decode(key.split("/")[0]);

/**
 * A cause's key in words.
 * @param {string} key
 */
export function causeName(key) {
  const [lemma, follows, part] = key.split("/").map(decode);
  const where = part === "prompt" ? " of the prompt" : "";
  return follows ? `${lemma} after ${follows}${where}` : lemma;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // An address that was cut off.
  }
}

/**
 * @param {AuditWord} word
 * @param {string} key
 */
function fitsCause(word, key) {
  if (!key || causeOf(word) === key) return true;
  // A cause without an earlier word holds all words that are said that way.
  return key === causeKey({ ...word, follows: "", part: "" }) && word.source === "words";
}

/**
 * @param {string} text
 * @param {string} wanted
 */
const equals = (text, wanted) => wanted === "" || text === wanted;

/**
 * @param {string} text
 * @param {string} part
 */
const contains = (text, part) => text.toLowerCase().includes(part.trim().toLowerCase());

/**
 * @param {Record<string, number>} counts
 * @param {string} key
 */
const has = (counts, key) => key === "" || (counts[key] ?? 0) > 0;

/**
 * @param {number} support
 * @param {{from: number, to: number}} range
 */
const isWithin = (support, { from, to }) => support >= from && support <= to;

/**
 * How many words of a row the truth says that of.
 * @param {{words: number, known: number, untrue: number}} row
 * @param {string} truth
 */
function truthCount({ words, known, untrue }, truth) {
  if (truth === "") return words;
  if (truth === "unknown") return words - known;
  return truth === "untrue" ? untrue : known - untrue;
}
