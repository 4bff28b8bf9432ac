// The saved comparison: one page that is all ours, its payload in the document.

import { mount } from "./mount.js";

/** @import {ComparisonPayload} from "./payload.d.ts" */

/** @type {ComparisonPayload} */
const payload = JSON.parse(document.getElementById("payload")?.textContent ?? "");
const { ready } = mount(document.body, payload, {
  deepLinks: true,
  keyboard: "page",
  rememberTheme: true,
  idPrefix: "",
});
ready.then(() => {
  document.documentElement.dataset.ready = "";
});
