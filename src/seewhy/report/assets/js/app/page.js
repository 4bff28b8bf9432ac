// The app as a page of its own, from the server that answers it.

import { mountApp } from "./mount.js";
import { httpTransport } from "./transport.js";

const { ready } = mountApp(document.body, httpTransport(), {
  deepLinks: true,
  keyboard: "page",
  rememberTheme: true,
  idPrefix: "",
});
ready.then(() => {
  document.documentElement.dataset.ready = "";
});
