/** Links without sockets. */

import type { Link, LinkEvents } from "../../src/index.js";

/** One end of a pipe. What is sent arrives at the other end in a later turn, in order. */
class End implements Link {
  binary = true;
  other!: End;
  events: LinkEvents | undefined;
  early: (() => void)[] = [];
  isOver = false;
  held = 0;

  listen(events: LinkEvents): void {
    this.events = events;
    this.early.splice(0).forEach((event) => event());
  }

  send(message: string | Uint8Array): void {
    const { other } = this;
    const deliver = (): void => {
      if (typeof message === "string") return other.events!.message(message);
      if (other.events!.binary?.(new Uint8Array(message).buffer)) return;
      other.close(1003, "binary");
      other.events!.closed(1003, "binary");
    };
    if (!this.isOver) queueMicrotask(() => other.tell(deliver));
  }

  backlog(): number {
    return this.held;
  }

  close(code: number, reason: string): void {
    this.isOver = true;
    const { other } = this;
    queueMicrotask(() => {
      other.tell(() => other.events!.closed(code, reason));
      other.isOver = true;
    });
  }

  /** Loses the link without a close, at both ends. */
  cut(): void {
    for (const end of [this, this.other]) {
      end.tell(() => end.events!.closed(undefined, "cut"));
      end.isOver = true;
    }
  }

  tell(event: () => void): void {
    if (this.isOver) return;
    if (this.events) event();
    else this.early.push(event);
  }
}

export function pair(): [End, End] {
  const [left, right] = [new End(), new End()];
  left.other = right;
  right.other = left;
  return [left, right];
}

/** An end that is text: what was received waits here until it is asked for, each text of a sequence by itself. */
export class Raw {
  readonly link: End;
  /** How many texts each message had. */
  readonly sizes: number[] = [];
  readonly #texts: string[] = [];
  /** Binary messages that have come. */
  readonly #binary: Uint8Array[] = [];
  /** The other end was told that sequences are read. */
  #takesSequences = false;
  /** What was wrong with a sequence. */
  #fault: string | undefined;
  closed: { code: number | undefined; reason: string } | undefined;

  constructor(link: End) {
    this.link = link;
    link.listen({
      message: (text) => this.#receive(text),
      binary: (message) => this.#binary.push(new Uint8Array(message)) > 0,
      closed: (code, reason) => (this.closed = { code, reason }),
    });
  }

  #receive(message: string): void {
    const texts = message.startsWith("\x1e") ? message.slice(1).split("\x1e") : [message];
    this.sizes.push(texts.length);
    this.#texts.push(...texts);
    if (!message.startsWith("\x1e")) return;
    if (!this.#takesSequences) this.#fault = "nobody has said that sequences are read";
    if (message.length > 65_536) this.#fault = "a sequence is too long";
    if (texts.some((text) => text.length > 4_097 || !text.endsWith("\n"))) this.#fault = "a text has no place in one";
  }

  send(message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    if (/"\$\/hello".*"sequences":true/.test(text)) this.#takesSequences = true;
    this.link.send(text);
  }

  /** Returns the text of the next message; fails if there is none. */
  async text(): Promise<string> {
    for (let turn = 0; turn < 2_000 && this.#texts.length === 0; turn++) await soon();
    const text = this.#texts.shift();
    if (this.#fault) throw new Error(this.#fault);
    if (text === undefined) throw new Error("nothing has come");
    return text;
  }

  /** Returns the next binary message; fails if there is none. */
  async binary(): Promise<Uint8Array> {
    for (let turn = 0; turn < 2_000 && this.#binary.length === 0; turn++) await soon();
    return this.#binary.shift() ?? Promise.reject(new Error("nothing has come"));
  }

  async next<T = any>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  /** Returns the next message if there is one. */
  async arrived(): Promise<any> {
    for (let turn = 0; turn < 5; turn++) await pause();
    return this.#texts.length > 0 ? this.next() : undefined;
  }

  /** Whether nothing more comes. */
  async silent(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await pause();
    if (this.#texts.length > 0) throw new Error(`not silent: ${this.#texts[0]}`);
  }
}

/** Returns a binary message: in the text `""` stands for each of the bytes. */
export function binaryMessage(text: string, ...list: Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(2 + 8 * list.length);
  head[0] = 0xff;
  head[1] = list.length;
  let place = -1;
  list.forEach(({ length }, number) => {
    place = text.indexOf('""', place + 1);
    head.writeUInt32BE(Buffer.byteLength(text.slice(0, place)) + 1, 2 + 8 * number);
    head.writeUInt32BE(length, 6 + 8 * number);
  });
  return Buffer.concat([head, ...list, Buffer.from(text)]);
}

/** Lets everything run that can. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
