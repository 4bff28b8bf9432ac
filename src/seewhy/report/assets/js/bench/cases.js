// Cases worth a look: the best, the worst, and those that methods differ on most.

import { element } from "../shared/dom.js";
import { threeDigits } from "./format.js";

/** @import {Bench} from "./bench.js" */
/** @import {BenchCase, BenchTile} from "./payload.d.ts" */

/** @type {Record<string, string>} */
const KINDS = { best: "Among the best", worst: "Among the worst", disputed: "Most disputed" };

/** @param {Bench} bench */
export function renderCases({ parts, view: { cases } }) {
  parts.casesPart.hidden = !cases.length;
  if (!cases.length) return;
  parts.casesIntro.textContent = `Chosen by ${cases[0].figure}: best and worst of the method that leads in it, and where methods differ most. A method’s maps are displayed in one range for its whole answer.`;
  parts.cases.replaceChildren(...cases.map(caseArticle));
}

/** @param {BenchCase} one */
function caseArticle(one) {
  const link = one.report ? element("a", { href: one.report }, "full report") : null;
  const original = tile(picture(one.picture, "The picture"), "the picture");
  return element(
    "article",
    { class: "case" },
    element("h3", {}, `${KINDS[one.kind]}: ${one.sample}, `, element("mark", {}, one.word)),
    element("p", {}, `“${one.answer}” `, link),
    element(
      "div",
      { class: "tiles" },
      original,
      ...one.tiles.map((method) => methodTile(one, method)),
    ),
  );
}

/**
 * @param {BenchCase} one
 * @param {BenchTile} tile
 */
function methodTile({ word }, { method, picture: source, score, why }) {
  const content = source
    ? picture(source, `Map of “${word}” by ${method}`)
    : element("p", {}, why ?? "");
  const known = score ?? null;
  return tile(content, method, known === null ? null : element("b", {}, ` ${threeDigits(known)}`));
}

/**
 * @param {Node} content
 * @param {string} name
 * @param {Node | null} [score]
 */
const tile = (content, name, score = null) =>
  element("figure", {}, content, element("figcaption", {}, name, score));

/**
 * @param {string} src
 * @param {string} alt
 */
const picture = (src, alt) => element("img", { src, alt, loading: "lazy" });
