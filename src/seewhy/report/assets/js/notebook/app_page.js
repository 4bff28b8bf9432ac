// The app in a cell.

import { mountApp } from "../app/mount.js";
import { widgetTransport } from "../app/widget_transport.js";
import { makePlace } from "./cell.js";

/** @import {AnyModel, CellPage} from "./types.d.ts" */

/**
 * @param {AnyModel} model
 * @param {ShadowRoot} root
 * @param {string} style
 * @returns {Promise<CellPage>}
 */
export async function show(model, root, style) {
  const transport = widgetTransport(model);
  const { pictures, prompt } = await transport.start();
  const { place, reveal, clear } = makePlace(root, style, model.get("height"));
  const app = mountApp(place, transport, { pictures, prompt });
  const unmount = () => {
    app.unmount();
    clear();
    transport.close();
  };
  try {
    await app.ready;
  } catch (error) {
    unmount();
    throw error;
  }
  reveal();
  return { unmount };
}
