// The entry: the app inside an element of any page, or as the whole page.

import { AppPage } from "./app.js";

/** @import {AppMount, AppOptions, Transport} from "./types.d.ts" */

/**
 * Show the app. The page needs the style sheets of the report, and `app.css`.
 * @param {Element} container gets the app as its last child
 * @param {Transport} transport the way to the server
 * @param {AppOptions} [options]
 * @returns {AppMount}
 */
export function mountApp(container, transport, options = {}) {
  const app = new AppPage(container, transport, options);
  return { ready: app.start(), unmount: () => app.unmount() };
}
