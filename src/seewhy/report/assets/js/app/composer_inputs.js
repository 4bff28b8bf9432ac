// Files that are dropped, pasted or chosen.

import { closest } from "../shared/dom.js";

/**
 * @typedef {object} FileTargets
 * @property {HTMLElement | Window} heard where drops and pastes are listened to
 * @property {HTMLElement} veil shown while files are over the page
 * @property {(files: File[]) => void} take
 * @property {(text: string) => void} refuse told why nothing was taken
 * @property {AbortSignal} signal
 */

const NO_FILE =
  "What was dropped is no file. Save the picture first, or copy it and paste it here.";

const FOLDER =
  "A folder was dropped. Drop the pictures that are in it, or the zip of a saved explanation.";

/** @param {FileTargets} targets */
export function listenToFiles(targets) {
  listenToDrops(targets);
  listenToPastes(targets);
}

/** @param {FileTargets} targets */
function listenToDrops({ heard, veil, take, refuse, signal }) {
  let depth = 0; // of elements that the pointer has entered and not left
  /** @param {number} now */
  const enter = (now) => {
    depth = Math.max(0, now);
    veil.hidden = depth === 0;
  };
  /** @param {string} name @param {(event: DragEvent, data: DataTransfer) => void} does */
  const on = (name, does) =>
    heard.addEventListener(
      name,
      (event) => {
        if (!(event instanceof DragEvent) || !event.dataTransfer || isOwnText(event)) return;
        does(event, event.dataTransfer);
      },
      { signal },
    );
  on("dragenter", (event) => {
    event.preventDefault();
    enter(depth + 1);
  });
  on("dragleave", () => enter(depth - 1));
  on("dragover", (event, data) => {
    event.preventDefault();
    data.dropEffect = "copy";
  });
  on("drop", (event, data) => {
    event.preventDefault();
    enter(0);
    const hasFolder = [...data.items].some((item) => item.webkitGetAsEntry()?.isDirectory);
    const files = [...data.files];
    if (hasFolder) refuse(FOLDER);
    else if (files.length) take(files);
    else refuse(NO_FILE);
  });
}

/**
 * Text that is moved into a field belongs to the field.
 * @param {DragEvent} event
 */
function isOwnText(event) {
  return !event.dataTransfer?.types.includes("Files") && closest(event, "input, textarea") !== null;
}

/** @param {FileTargets} targets */
function listenToPastes({ heard, take, signal }) {
  heard.addEventListener(
    "paste",
    (event) => {
      if (!(event instanceof ClipboardEvent) || !event.clipboardData) return;
      const files = [...event.clipboardData.files];
      const isText = event.clipboardData.types.includes("text/plain");
      // Copied text may come with a picture of itself: in a field the text is meant.
      if (!files.length || (isText && closest(event, "input, textarea"))) return;
      event.preventDefault();
      take(files);
    },
    { signal },
  );
}

/**
 * Whether a file is a saved explanation and no picture.
 * @param {File} file
 */
export const isFolder = ({ name, type }) =>
  /\.zip$/iu.test(name) || type === "application/zip" || type === "application/x-zip-compressed";
