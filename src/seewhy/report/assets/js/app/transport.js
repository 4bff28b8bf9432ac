// The way to the server over HTTP, on the page's own origin.

import { AppError, UNREACHABLE } from "./failures.js";

/** @import {JobEvent, Transport} from "./types.d.ts" */

/** Without a listener the server gives a job up after ten seconds. */
const GIVE_UP_S = 12;
const EVENTS = /** @type {const} */ ([
  "queued",
  "started",
  "stage",
  "answer",
  "done",
  "failed",
  "cancelled",
]);
/** @type {Set<string>} */
const LAST = new Set(["done", "failed", "cancelled"]);

/** What a status says where the server gave no words. @type {Record<number, string>} */
const STATUSES = {
  401: "This page may not ask the server any more: it was started again. Open the address that “seewhy app” printed.",
  403: "The server refused this. Open the address that “seewhy app” printed.",
  404: "The server does not have this any more.",
  413: "This is too large for the server.",
  429: "Too much was asked at once. Wait a little, then try again.",
};

/**
 * @param {object} [told]
 * @param {string} [told.base] where the server's paths begin; default: where the page is
 * @param {number} [told.giveUp] seconds in which a lost connection is tried again
 * @returns {Transport}
 */
export function httpTransport({ base = document.baseURI, giveUp = GIVE_UP_S } = {}) {
  /** @param {string} path */
  const full = (path) => new URL(path.replace(/^\//, ""), new URL(".", base)).href;
  /** @param {string} path @param {RequestInit} [init] */
  const ask = (path, init) => request(full(path), init);
  return {
    get: (path) => ask(path),
    post: (path, body = {}) =>
      ask(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
    remove: async (path) => {
      await ask(path, { method: "DELETE" });
    },
    upload: (path, blob) =>
      ask(path, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: blob,
      }),
    address: async (path) => full(path),
    listen: (job, onEvent) =>
      listen(full(`/api/jobs/${encodeURIComponent(job)}/events`), ask, onEvent, 1000 * giveUp),
  };
}

/**
 * @param {string} url
 * @param {RequestInit} [init]
 */
async function request(url, init) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch {
    throw new AppError("unreachable", UNREACHABLE);
  }
  const body = await jsonOf(response);
  if (response.ok) return body;
  const told = body?.error;
  throw new AppError(
    String(told?.kind ?? response.status),
    told?.message ?? STATUSES[response.status] ?? `The server failed (status ${response.status}).`,
  );
}

/** @param {Response} response */
async function jsonOf(response) {
  try {
    return JSON.parse(await response.text());
  } catch {
    return null; // an empty answer, or one that is no JSON
  }
}

/**
 * Hear of a job. The browser connects again by itself and says which event it heard last.
 * @param {string} url
 * @param {(path: string) => Promise<any>} ask
 * @param {(event: JobEvent) => void} onEvent
 * @param {number} giveUpMs
 */
function listen(url, ask, onEvent, giveUpMs) {
  const source = new EventSource(url);
  let giveUp = 0;
  const stop = () => {
    clearTimeout(giveUp);
    source.close();
  };
  /** @param {JobEvent} event */
  const end = (event) => {
    stop();
    onEvent(event);
  };
  const lose = () => {
    if (giveUp) return;
    onEvent({ type: "lost" });
    giveUp = setTimeout(
      () => end({ type: "failed", kind: "unreachable", message: UNREACHABLE }),
      giveUpMs,
    );
  };
  source.addEventListener("open", () => {
    if (giveUp) onEvent({ type: "back" });
    clearTimeout(giveUp);
    giveUp = 0;
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) lose();
    else whyClosed(ask).then((error) => end({ type: "failed", ...error }));
  });
  for (const type of EVENTS)
    source.addEventListener(type, ({ data }) => {
      const event = /** @type {JobEvent} */ ({ type, ...JSON.parse(data || "{}") });
      if (LAST.has(type)) end(event);
      else onEvent(event);
    });
  return stop;
}

/**
 * The server answered, but not with events: what is the matter?
 * @param {(path: string) => Promise<any>} ask
 */
async function whyClosed(ask) {
  try {
    await ask("/api/state");
  } catch (error) {
    if (error instanceof AppError) return { kind: error.kind, message: error.message };
  }
  return {
    kind: "gone",
    message: "The server does not know this question any more. Ask it again.",
  };
}
