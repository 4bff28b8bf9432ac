// Files that a person gives: pictures and clips into the question, saved folders into the history.

import { AppError, failureNote } from "./failures.js";
import { isFolder } from "./composer_inputs.js";

/** @import {AppPage} from "./app.js" */
/** @import {UploadedPicture} from "./types.d.ts" */

const UNREADABLE =
  "This cannot be read: it is a folder, or a file that was moved or changed. Choose the file again.";

/**
 * @param {AppPage} app
 * @param {File[]} files chosen, dropped or pasted
 */
export function takeFiles(app, files) {
  const pictures = files.filter((file) => !isFolder(file));
  if (pictures.length) {
    // Beside a shown answer a new picture begins a new question.
    if (app.composer.mode === "bar") app.newQuestion();
    app.composer.add(pictures);
    app.composer.parts.prompt.focus();
  }
  for (const folder of files.filter(isFolder)) importFolder(app, folder);
}

/**
 * @param {AppPage} app
 * @param {File} file a zip of a saved folder
 */
async function importFolder(app, file) {
  app.announce("Opening the saved explanation");
  try {
    const most = app.state.limits.import_bytes;
    const entry = await send(app, "/api/entries/import", file, most);
    app.keep(entry);
    await app.show(entry.id);
  } catch (error) {
    const where = app.composer.mode === "start" ? app.composer.parts.savedError : app.parts.notice;
    where.replaceChildren(failureNote(error, ["Close", () => where.replaceChildren()]));
  }
}

/**
 * @param {AppPage} app
 * @param {File} file
 * @returns {Promise<UploadedPicture>}
 */
export function uploadPicture(app, file) {
  const path = `/api/pictures?name=${encodeURIComponent(file.name || "picture")}`;
  return send(app, path, file, app.state.limits.picture_bytes);
}

/**
 * Send a file that can be read and is not too large: the server is not asked about another one.
 * @param {AppPage} app
 * @param {string} path
 * @param {File} file
 * @param {number | undefined} most bytes
 */
async function send(app, path, file, most) {
  if (most !== undefined && file.size > most)
    throw new AppError(
      "too-large",
      `This file has ${megabytes(file.size)}; the server takes at most ${megabytes(most)}. Make it smaller, then choose it again.`,
    );
  await file
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => {
      throw new AppError("unreadable", UNREADABLE);
    });
  return app.transport.upload(path, file);
}

/** @param {number} bytes */
const megabytes = (bytes) =>
  bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
