// The first line, the rates under it, and what the words rest on.

import { element } from "../shared/dom.js";
import { SOURCES, meaning, verdictMark } from "../shared/verdict_marks.js";
import { causeKey } from "./filters.js";
import { counted, intervalBar, outOf, range, share, thousands } from "./format.js";

/** @import {Audit} from "./audit.js" */
/** @import {AuditPayload} from "./payload.d.ts" */

/** @param {Audit} audit */
export function renderFinding(audit) {
  const { parts, payload } = audit;
  parts.source.textContent = ["data", "model"]
    .flatMap((name) => (payload.made[name] ? [String(payload.made[name])] : []))
    .join(" · ");
  parts.finding.replaceChildren(...emphasised(payload));
  parts.lead.textContent = lead(payload);
  const habit = payload.causes.find((cause) => cause.habit);
  const show = element("button", { type: "button", class: "primary" }, "Show these words");
  if (habit) show.addEventListener("click", () => showHabit(audit, causeKey(habit)));
  const files = Object.entries(payload.files).map(([name, href]) =>
    element("a", { href, download: "", class: "file" }, name),
  );
  parts.heroTools.replaceChildren(...(habit ? [show] : []), ...files);
  parts.heroTools.hidden = !habit && !files.length;
}

/**
 * @param {Audit} audit
 * @param {string} cause
 */
function showHabit(audit, cause) {
  audit.filter({ cause });
  audit.goToWorst();
}

/**
 * The finding with the quoted words of the first habit in italics.
 * @param {AuditPayload} payload
 */
function emphasised({ finding, causes }) {
  const habit = causes.find((cause) => cause.habit);
  const words = habit ? [habit.lemma, habit.follows].filter(Boolean) : [];
  /** @type {(Node | string)[]} */
  let parts = [finding];
  for (const word of words) {
    parts = parts.flatMap((part) => split(part, `'${word}'`));
  }
  return parts;
}

/**
 * @param {Node | string} text
 * @param {string} quoted
 * @returns {(Node | string)[]}
 */
function split(text, quoted) {
  if (typeof text !== "string") return [text];
  return text
    .split(quoted)
    .flatMap((part, at) => (at ? [element("em", {}, quoted), part] : [part]));
}

/** @param {AuditPayload} payload */
function lead({ totals, with_unsupported: rate }) {
  const { done, failed, words } = totals;
  const bad = failed ? `, ${counted(failed, "more row")} could not be used` : "";
  const looked = `${counted(words, "word")} of ${counted(done, "answer")} were diagnosed${bad}.`;
  if (!rate.total) return looked;
  return `${looked} ${thousands(rate.count)} of the answers (${share(rate.value)}, 95 % interval ${range(rate)}) hold at least one word that the picture does not bear out.`;
}

/** @param {Audit} audit */
export function renderSources(audit) {
  const { parts, payload } = audit;
  parts.sourcesPart.hidden = !payload.totals.words;
  const names = Object.keys({ ...SOURCES, ...payload.sources }).filter(
    (name) => payload.sources[name],
  );
  parts.sourceBar.replaceChildren(
    ...names.map((name) =>
      element("i", { "data-source": name, "--part": payload.sources[name].value ?? 0 }),
    ),
  );
  parts.sourceList.replaceChildren(...names.map((name) => sourceRow(audit, name)));
}

/**
 * @param {Audit} audit
 * @param {string} name
 */
function sourceRow(audit, name) {
  const rate = audit.payload.sources[name];
  const title = audit.payload.meanings[name];
  const button = element(
    "button",
    { type: "button", class: "source-name", "data-value": name, title },
    verdictMark(name),
    element("span", {}, meaning(name)),
  );
  button.addEventListener("click", () => {
    audit.filter({ source: audit.state.filters.source === name ? "" : name });
  });
  return element(
    "li",
    { "data-source": name },
    button,
    intervalBar(rate, name),
    element("b", { class: "number" }, share(rate.value)),
    element("span", { class: "number faint" }, `${range(rate)} · ${outOf(rate)} words`),
    element("span", { class: "meaning" }, title ?? ""),
  );
}

/**
 * Mark the source that is filtered by.
 * @param {Audit} audit
 */
export function markSource({ parts, state }) {
  for (const button of parts.sourceList.querySelectorAll("button")) {
    const isOn = button.dataset.value === state.filters.source;
    button.setAttribute("aria-pressed", String(isOn));
  }
}
