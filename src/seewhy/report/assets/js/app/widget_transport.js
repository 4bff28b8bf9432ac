// The way to the service over the messages of a notebook's widget: the kernel answers.

import { Channel } from "../notebook/channel.js";
import { AppError } from "./failures.js";

/** @import {AnyModel, Reply, WidgetTransport} from "../notebook/types.d.ts" */

/** Files that the page was given an address of, at most; the oldest are forgotten. */
const KEPT = 200;

/**
 * @param {AnyModel} model of anywidget
 * @returns {WidgetTransport}
 */
export function widgetTransport(model) {
  const channel = new Channel(model);
  const addresses = new Addresses((path) => file(channel, path));
  return {
    start: async () => (await channel.ask({ ask: "start" })).content,
    get: (path) => json(channel, { method: "GET", path }),
    post: (path, body = {}) => json(channel, { method: "POST", path, body }),
    remove: async (path) => {
      await json(channel, { method: "DELETE", path });
      addresses.forget(path);
    },
    upload: async (path, blob) => {
      const body = new Uint8Array(await blob.arrayBuffer());
      return json(channel, { method: "POST", path }, body);
    },
    address: (path) => addresses.of(path),
    listen: (job, onEvent) => channel.follow({ ask: "follow", job }, ({ event }) => onEvent(event)),
    close: () => {
      addresses.close();
      channel.close();
    },
  };
}

/**
 * @param {Channel} channel
 * @param {Record<string, any>} question
 * @param {Uint8Array} [body]
 */
async function request(channel, question, body) {
  const reply = await channel.ask({ ask: "request", ...question }, body);
  if (reply.content.status < 400) return reply;
  const told = JSON.parse(await textOf(reply)).error;
  throw new AppError(told.kind, told.message);
}

/**
 * @param {Channel} channel
 * @param {Record<string, any>} question
 * @param {Uint8Array} [body]
 */
async function json(channel, question, body) {
  const reply = await request(channel, question, body);
  const text = await textOf(reply);
  return text ? JSON.parse(text) : null;
}

/**
 * @param {Channel} channel
 * @param {string} path
 */
async function file(channel, path) {
  const reply = await request(channel, { method: "GET", path });
  const { content_type: type } = reply.content;
  return new Blob([await bytesOf(reply)], { type });
}

/** @param {Reply} reply */
async function textOf(reply) {
  return new TextDecoder().decode(await bytesOf(reply));
}

/** @param {Reply} reply */
async function bytesOf({ content, buffers }) {
  const whole = new Blob([/** @type {DataView<ArrayBuffer>} */ (buffers[0])]);
  if (!content.packed) return whole.arrayBuffer();
  return new Response(whole.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Addresses of files that came over messages; each file comes once. */
class Addresses {
  /** @param {(path: string) => Promise<Blob>} read */
  constructor(read) {
    this.read = read;
    /** @type {Map<string, Promise<string>>} */
    this.known = new Map();
  }

  /** @param {string} path */
  of(path) {
    if (/^(?:blob|data):/u.test(path)) return Promise.resolve(path);
    const known = this.known.get(path) ?? this.read(path).then((blob) => URL.createObjectURL(blob));
    this.known.set(path, known);
    known.catch(() => this.known.delete(path));
    const [oldest] = this.known.keys();
    if (this.known.size > KEPT) this.forget(oldest);
    return known;
  }

  /** @param {string} beginning of the paths */
  forget(beginning) {
    for (const [path, address] of this.known) {
      if (path !== beginning && !path.startsWith(`${beginning}/`)) continue;
      this.known.delete(path);
      address.then((url) => URL.revokeObjectURL(url)).catch(() => {});
    }
  }

  close() {
    for (const path of [...this.known.keys()]) this.forget(path);
  }
}
