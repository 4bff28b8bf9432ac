// A report's data before there is an answer: the pictures and the question, and no word yet.

/** @import {Payload, PictureData} from "../report/payload.d.ts" */
/** @import {UploadedPicture} from "./types.d.ts" */

/**
 * @param {(UploadedPicture & {source: string})[]} pictures with the addresses of what is shown
 * @param {string} prompt
 * @param {string} model
 * @param {string} method
 * @returns {Payload}
 */
export function livePayload(pictures, prompt, model, method) {
  const text = { prompt: [], prompt_units: [], answer: [] };
  // The report fills its controls from it; they are drawn with the answer's own payload.
  const noColours = btoa("\0".repeat(3 * 256));
  return /** @type {Payload} */ ({
    schema: 0,
    display: "answer",
    pictures: pictures.map((picture, i) => viewOf(picture, i, pictures.length)),
    prompt,
    turns: [],
    answer: "",
    first: -1,
    contrasts: [],
    verdicts: null,
    warnings: [],
    word_notes: [],
    locations: [],
    words: text,
    tokens: text,
    scales: [],
    maps: [],
    colours: { a: noColours, b: noColours, c: noColours, d: noColours },
    origin: {
      model,
      family: "",
      method,
      parameters: {},
      versions: {},
      seconds: {},
      created: "",
      seed: null,
      notes: [],
    },
  });
}

/**
 * @param {UploadedPicture & {source: string}} picture
 * @param {number} at
 * @param {number} count
 * @returns {PictureData}
 */
function viewOf({ source, width, height }, at, count) {
  return {
    source,
    width,
    height,
    grid: { name: "image", rows: [0, height], columns: [0, width] },
    name: count > 1 ? `picture ${at + 1}` : "picture",
    medium: at,
    clip: false,
    seconds: null,
    frames: [],
  };
}
