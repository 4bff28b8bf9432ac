// How to read the report: only what applies to it.

import { element } from "../shared/dom.js";

/** @import {Views} from "./views.js" */

const MAPS =
  "Bright places in the picture are where the model's own states point to the word. A tinted word in the text is one that it leaned on. Both are drawn on one scale for each word: if an earlier word explains it better than any place in the picture, the picture stays dark.";
const PINS =
  "Pin a word to keep it; pin a second one to see both side by side. Point at a place in the picture to see which words came from there.";
const PICTURES =
  "All pictures of a word share one scale, so they compare. The share under each is its part of what they hold together, a large picture counting no more than a small one; a ring marks the one with the brightest place.";
const CLIP =
  "The bars over the strip say when a word was to be seen: each step's part of the evidence, the dashed line being an even part. The large picture follows the word to the step in which it is brightest; point at a step to see it, click to stay there.";
const PROMPT =
  "The words of the prompt can be read as well: their maps say where the model finds what they speak of. Nobody chose them by a probability, so none is shown.";
const CONTRAST =
  "A word with a dotted line beneath is contrasted: its map says why this word was said and not the other, and is dark where both are served alike.";
const LAYERS =
  "Layer by layer: a bar upwards is the word's probability if the answer were read out after that layer; a bar downwards is what the layer took from the picture. All maps of a word's layers share one scale. Of a word of several tokens, the probability is its first token's.";
const LIMITS =
  "A map shows what the model's states carry, which is evidence for, not proof of, what made it speak.";

/**
 * @param {Views} views
 * @param {{contrast: boolean, prompt: boolean, layers: boolean}} applies
 */
export function guide(views, { contrast, prompt, layers }) {
  const texts = [
    MAPS,
    PINS,
    views.media.length > 1 && PICTURES,
    views.clips.length > 0 && CLIP,
    prompt && PROMPT,
    contrast && CONTRAST,
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
