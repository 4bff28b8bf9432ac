// The tools of a shown answer: ask about a place, change it, edit, contrast, verdicts, side by side.

import { AnswerTools } from "./answer_tools.js";
import { Desk } from "./desk.js";
import { RegionTools } from "./region_tools.js";
import { WordTools } from "./word_tools.js";
import { takeLooked } from "./kept_word.js";

/** @import {App, AttachTools, Entry} from "../types.d.ts" */
/** @import {Mount} from "../../report/types.d.ts" */

/**
 * Furnish a shown report with the tools.
 * @param {App} app
 * @param {Mount} mounted the report, drawn
 * @param {Entry} entry that it shows
 * @param {HTMLElement} place an empty element for what needs the whole width
 * @returns {ReturnType<AttachTools>}
 */
export function attachTools(app, mounted, entry, place) {
  const lifetime = new AbortController();
  const desk = new Desk(app, mounted.report, entry, place, lifetime.signal);
  const tools = [new RegionTools(desk), new WordTools(desk), new AnswerTools(desk)];
  const { word, region } = takeLooked(app, entry.id);
  if (region !== null) mounted.report.setRegion(region);
  if (word !== null) mounted.report.chooseWord(word);
  return {
    detach() {
      lifetime.abort();
      for (const tool of tools) tool.remove();
      desk.remove();
    },
  };
}
