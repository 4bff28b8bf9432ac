// The saved page of an audit: one page that is all ours, its payload in the document.

import { mount } from "./mount.js";

/** @import {AuditPayload} from "./payload.d.ts" */

/** @type {AuditPayload} */
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
