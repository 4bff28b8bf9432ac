// Files of the server's that a person saves.

import { element } from "../shared/dom.js";
import { AppError, UNREACHABLE } from "./failures.js";

/** @import {Transport} from "./types.d.ts" */

/**
 * Save a file. A failure is told, and never saved in place of the file.
 * @param {Transport} transport
 * @param {string} path
 * @param {string} name used where the server names none
 */
export async function download(transport, path, name) {
  const address = await transport.address(path);
  if (address.startsWith("blob:")) return save(address, name);
  const response = await fetch(address, { credentials: "same-origin" }).catch(() => {
    throw new AppError("unreachable", UNREACHABLE);
  });
  if (!response.ok) throw await failureOf(response);
  const blob = URL.createObjectURL(await response.blob());
  save(blob, nameIn(response.headers.get("Content-Disposition")) ?? name);
  // The browser reads it after this; a minute later it has.
  setTimeout(() => URL.revokeObjectURL(blob), 60_000);
}

/**
 * @param {string} href
 * @param {string} name
 */
function save(href, name) {
  const link = element("a", { href, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}

/** @param {Response} response */
async function failureOf(response) {
  const told = await response.json().catch(() => null);
  const message =
    told?.error?.message ?? `The server did not give the file (status ${response.status}).`;
  return new AppError(String(told?.error?.kind ?? response.status), message);
}

/**
 * The file name that the server gives.
 * @param {string | null} disposition
 */
function nameIn(disposition) {
  return /filename="([^"]+)"/u.exec(disposition ?? "")?.[1] ?? null;
}
