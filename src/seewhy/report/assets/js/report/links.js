// Deep links: what is looked at, in the page's address (#word=2&with=p5&view=1). Fields of others, such
// as the app's entry, stay there.

/** @import {Payload} from "./payload.d.ts" */
/** @import {Report} from "./report.js" */
/** @import {Segmentation} from "./types.d.ts" */

/**
 * Write what is looked at into the address.
 * @param {Report} report
 */
export function writeLink({ options, state, text }) {
  if (!options.deepLinks || !text.isExplained(state.current)) return;
  /** @param {number} at */
  const spelled = (at) => `${text.pieces[at].part === "prompt" ? "p" : ""}${text.pieces[at].index}`;
  const [one, two] = state.pins.length ? state.pins : [state.current];
  const second = two === undefined ? "" : `&with=${spelled(two)}`;
  const view = state.selectedView === null ? "" : `&view=${state.selectedView}`;
  try {
    history.replaceState(null, "", `#${others()}${text.kind}=${spelled(one)}${second}${view}`);
  } catch {
    // A frame without an address of its own refuses; the report works without.
  }
}

/** The address's other fields. */
function others() {
  const fields = new URLSearchParams(location.hash.slice(1));
  for (const own of ["word", "token", "with", "view"]) fields.delete(own);
  // An address such as #answer, to which a link on the page leads, has a name and no value.
  const kept = [...fields].filter(([, value]) => value);
  return kept.length ? `${new URLSearchParams(kept)}&` : "";
}

/**
 * Look at what the address names.
 * @param {Report} report
 * @returns {boolean} whether it names a word that is there
 */
export function readLink(report) {
  const { controls, payload, state, text } = report;
  const fields = new URLSearchParams(location.hash.slice(1));
  const segmentation = fields.has("token") ? "tokens" : "words";
  const one = placeIn(
    payload,
    segmentation,
    fields.get(segmentation === "tokens" ? "token" : "word"),
  );
  if (one < 0) return false;
  const two = placeIn(payload, segmentation, fields.get("with"));
  if (segmentation !== text.segmentation) controls.segmentation.set(segmentation);
  state.current = one;
  state.pins = two >= 0 && two !== one ? [one, two] : [];
  state.selectedView = viewIn(report, fields.get("view"));
  writeLink(report);
  return true;
}

/**
 * A place that the address spells: a number in the answer, or p and a number in the prompt.
 * @param {Payload} payload
 * @param {Segmentation} segmentation
 * @param {string | null} text
 * @returns {number} -1 where nothing can be looked at
 */
function placeIn(payload, segmentation, text) {
  const [, inPrompt, number] = /^(p?)(\d{1,6})$/u.exec(text ?? "") ?? [];
  if (number === undefined) return -1;
  const { prompt, answer } = payload[segmentation];
  const index = Number(number);
  if (inPrompt) return index < prompt.length && prompt[index].unit !== null ? index : -1;
  return index < answer.length ? prompt.length + index : -1;
}

/**
 * @param {Report} report
 * @param {string | null} text
 */
function viewIn({ views }, text) {
  const view = /^\d{1,6}$/u.test(text ?? "") ? Number(text) : -1;
  return views.several && view >= 0 && view < views.all.length ? view : null;
}
