// What went wrong, in words that can be shown as they are.

import { element } from "../shared/dom.js";

export const UNREACHABLE =
  "The server does not answer. If it has ended, start “seewhy app” again and open the address that it prints. What you wrote stays here until then.";

/** A failure of the app: `kind` is the server's, or "unreachable", or "cancelled". */
export class AppError extends Error {
  /**
   * @param {string} kind
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.name = "AppError";
    this.kind = kind;
  }
}

/**
 * Any failure as one that can be shown.
 * @param {unknown} error
 */
export function asAppError(error) {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new AppError(
    "page",
    `This page failed: ${text}. Load it again; if that does not help, report it.`,
  );
}

/**
 * A failure where it happened, with what can be done.
 * @param {unknown} error
 * @param {...[string, () => void]} actions name and what it does
 */
export function failureNote(error, ...actions) {
  const buttons = actions.map(([name, run]) =>
    element("button", { type: "button", onclick: run }, name),
  );
  return element(
    "div",
    { class: "failure", role: "alert" },
    element("p", {}, asAppError(error).message),
    buttons.length ? element("p", { class: "failure-actions" }, ...buttons) : null,
  );
}
