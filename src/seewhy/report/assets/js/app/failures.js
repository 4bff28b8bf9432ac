// What went wrong, in words that can be shown as they are.

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
