// Questions to the kernel and its answers, over the messages of a widget.

/** @import {AnyModel, Reply} from "./types.d.ts" */

/** The most bytes of one message to the kernel: a Jupyter server refuses those of ten megabytes. */
const PART = 4_000_000;

export class Channel {
  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    // Two views of one widget hear each other's answers: each has numbers of its own.
    this.name = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.count = 0;
    /** @type {Map<string, (content: any, buffers: DataView[]) => void>} */
    this.listeners = new Map();
    /** @type {(content: any, buffers: DataView[]) => void} */
    this.hear = (content, buffers) => this.listeners.get(content?.id)?.(content, buffers);
    model.on("msg:custom", this.hear);
  }

  /**
   * Ask something that has one answer.
   * @param {Record<string, any>} question
   * @param {Uint8Array} [body]
   * @returns {Promise<Reply>}
   */
  ask(question, body) {
    const id = this.nextId();
    return new Promise((resolve) => {
      this.listeners.set(id, (content, buffers) => {
        this.listeners.delete(id);
        resolve({ content, buffers: buffers ?? [] });
      });
      this.send({ ...question, id }, body);
    });
  }

  /**
   * Ask something that has many answers.
   * @param {Record<string, any>} question
   * @param {(content: any) => void} onAnswer
   * @returns {() => void} stops listening, here and in the kernel
   */
  follow(question, onAnswer) {
    const id = this.nextId();
    this.listeners.set(id, onAnswer);
    this.send({ ...question, id });
    return () => {
      if (this.listeners.delete(id)) this.send({ id, ask: "unfollow" });
    };
  }

  /** Hear nothing more. */
  close() {
    this.send({ id: this.nextId(), ask: "bye", view: this.name });
    this.model.off("msg:custom", this.hear);
    this.listeners.clear();
  }

  nextId() {
    this.count += 1;
    return `${this.name}-${this.count}`;
  }

  /**
   * @param {Record<string, any>} content
   * @param {Uint8Array} [body] goes in parts
   */
  send(content, body) {
    const message = { ...content, view: this.name };
    if (!body) return this.model.send(message);
    const parts = Math.max(1, Math.ceil(body.length / PART));
    for (let part = 0; part < parts; part += 1) {
      const piece = body.slice(part * PART, (part + 1) * PART);
      this.model.send({ ...message, part, parts }, undefined, [piece.buffer]);
    }
  }
}

/**
 * Text that is packed with gzip.
 * @param {DataView} buffer
 */
export function unpacked(buffer) {
  const packed = new Blob([/** @type {DataView<ArrayBuffer>} */ (buffer)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
}
