// How to read the report: only what applies to it.

import { element } from "../shared/dom.js";

/** @import {Views} from "./views.js" */
/** What the text holds.
 * @typedef {{contrast: boolean, prompt: boolean, layers: boolean, locations: boolean, verdicts: boolean,
 * title: string | null}} Applies */

const VERDICTS =
  "A mark under a word says what the word rests on. The picture or an earlier word was changed, the answer was kept, and the word's probability was read again: each dot is one such reading. A dashed box is the place that was taken away, or kept alone; a dashed word was left out or replaced. Support says how sure it is that the picture bears the word out. Verdicts belong to words: a token shows that of its word.";
const MAPS =
  "Bright places in the picture and tinted words in the text are those with the most weight for the word, by the method that is named below. By default all maps of the answer are displayed alike: the largest hundredth of all their values has full brightness. So words compare, and the map of a word such as “the” stays dark. “This map alone” makes the brightest place of each map fully bright: then shapes show, but words do not compare. “With the words” displays a map in one range with the scores of the words before it. The number at an earlier word is its share of what the word took from all earlier words; the word with the largest share has the strongest tint.";
const PINS =
  "Pin a word to keep it; pin a second one to see both side by side. Point at a place in the picture to see which words' maps are bright there. “Ask about a place” ranks the words by how much of them comes from a box, a lasso or a point that you draw; “Region of” a word is the other way round.";
const PICTURES =
  "All pictures are displayed in one range, so they compare. The share under each is its part of what they hold together, a large picture counting no more than a small one; a ring marks the one with the largest share.";
const CLIP =
  "The bars over the strip say when a word was to be seen: each step's part of the evidence, the dashed line being an even part. The large picture follows the word to the step in which it is brightest; point at a step to see it, click to stay there.";
const PROMPT =
  "The words of the prompt can be read as well: their maps say where the model finds what they speak of. Nobody chose them by a probability, so none is shown.";
const CONTRAST =
  "A word with a dotted line beneath is contrasted: its map shows which places favour this word over the other, and is dark where both have the same weight.";
const LAYERS =
  "Layer by layer: a bar upwards is the word's probability if the answer were read out after that layer; a bar downwards is what the layer took from the picture. All maps of a word's layers are displayed in one range. Of a word of several tokens, the probability is its first token's.";
const LOCATIONS =
  "A box or point that stands in the answer is drawn as a yellow outline with its phrase and with its coordinates: where the answer says that something is. The map shows what the words rest on, so the two may differ. The overlap compares the bright part of the map with the box.";
const LIMITS =
  "A map shows where the model's states carry something of the word. It does not show that the word was said because of that place.";

/**
 * @param {Views} views
 * @param {Applies} applies
 */
export function guide(views, { contrast, prompt, layers, locations, verdicts }) {
  const texts = [
    verdicts && VERDICTS,
    MAPS,
    PINS,
    views.media.length > 1 && PICTURES,
    views.clips.length > 0 && CLIP,
    prompt && PROMPT,
    contrast && CONTRAST,
    locations && LOCATIONS,
    layers && LAYERS,
    LIMITS,
  ];
  const paragraphs = texts.flatMap((text) => (text ? [element("p", {}, text)] : []));
  return element(
    "section",
    { class: "guide" },
    element("h2", {}, "How to read this"),
    ...paragraphs,
  );
}
