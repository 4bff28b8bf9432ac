// The saved report: one page that is all ours, its payload in the document.

import { mount } from "./mount.js";

/** @import {Payload} from "./payload.d.ts" */

/** @type {Payload} */
const payload = JSON.parse(document.getElementById("payload")?.textContent ?? "");
const { ready } = mount(document.body, payload, {
  deepLinks: true,
  keyboard: "page",
  rememberTheme: true,
  idPrefix: "",
  title: document.title.replace(/ · seewhy$/u, ""),
});
ready.then(() => {
  document.documentElement.dataset.ready = "";
});
