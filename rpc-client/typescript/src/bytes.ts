/** Bytes as bytes: a `Uint8Array` leaves beside the text of its message, and not as base64 in it, if both ends can. */

import { mapped, toBase64 } from "./base64.js";
import type { Attached, Core, Feature, Message } from "./core.js";
import { utf8Length } from "./raw.js";
import { randomId } from "./streams/id.js";

/** Shorter bytes leave as base64 text: a message with bytes beside it costs more than such a text. */
const LEAST = 4_096;

/** How many bytes may be beside one message: one byte of its head counts them. */
const MOST = 255;

/** The first byte of a message with bytes beside its text, with which no UTF-8 begins. */
const FIRST = 0xff;

/** The length of a place and a length in the head. */
const ENTRY = 8;

const QUOTE = 0x22;

/**
 * Bytes as a program gives them and gets them: themselves, if the peer has the feature {@link bytes}, or as base64 text.
 * {@link bytesOf} reads both.
 */
export type Bytes = string | Uint8Array;

/**
 * Lets values be bytes. A `Uint8Array` among params, results and items leaves as base64 text, which any peer can read;
 * one of 4 KiB or more leaves as bytes to a peer that takes them. What such a peer has sent as bytes arrives as a
 * `Uint8Array`, all else as base64 text: {@link bytesOf} takes both.
 */
export const bytes: Feature = ({ _core: core }) => {
  /** Stands in a text for bytes, with their number behind it. Nobody else can know it. */
  const mark = randomId();
  const { _write: write, _read: read } = core;
  /** The message that is being read: its text with marks, its value, and its bytes. */
  let reading: { text: string; value: unknown; list: readonly Uint8Array[] } | undefined;

  /** Puts bytes in the places of marks; returns how often. */
  const restore = (message: Message, list: readonly Uint8Array[]): number => {
    let count = 0;
    const put = (value: unknown): unknown => {
      if (typeof value !== "string" || !value.startsWith(mark)) return value;
      count++;
      return list[Number(value.slice(mark.length))];
    };
    for (const name of ["params", "result"]) if (name in message) message[name] = mapped(message[name], put);
    return count;
  };

  core._offers = {
    ...core._offers,
    // As the link is over which the hello leaves.
    get bytes() {
      return core._carriesBinary;
    },
  };
  core._write = (value, json) => {
    const list: Uint8Array[] = [];
    const put = (value: unknown): unknown => {
      if (!(value instanceof Uint8Array)) return value;
      // A copy: a message does not change any more, and may leave again.
      const isBeside = value.length >= LEAST && list.length < MOST;
      return isBeside ? mark + (list.push(new Uint8Array(value)) - 1) : toBase64(value);
    };
    const text = write(mapped(value, put), json);
    const [first, ...others] = String(text).split(mark);
    if (others.length === 0) return text;
    return new Beside(
      [first!, ...others.map((other) => other.slice(other.indexOf('"')))],
      others.map((other) => list[parseInt(other)]!),
    );
  };
  core._read = (text, json) => {
    if (!reading) return read(text, json);
    if (text === reading.text && !json) return reading.value;
    const message = read(text, json) as Message;
    restore(message, reading.list);
    return message;
  };
  core._absent = (text) => {
    const numbers = reading
      ? text
          .split(mark)
          .slice(1)
          .map((piece) => parseInt(piece))
      : [];
    return numbers.reduce((sum, number) => sum + base64Length(reading!.list[number]!) - `${mark}${number}`.length, 0);
  };
  core._takeBytes = (binary, take) => {
    const beside = takenApart(new Uint8Array(binary));
    if (!beside) return false;
    const text = beside._texts.reduce((before, piece, number) => `${before}${mark}${number - 1}${piece}`);
    const value = readable(text, beside._list);
    if (!value) take(String(beside), beside.length);
    else {
      reading = { text, value, list: beside._list };
      try {
        take(text, beside.length);
      } finally {
        reading = undefined;
      }
    }
    return true;
  };

  /** Returns the value of a message, if its bytes are where values are, and it is read at once. */
  const readable = (text: string, list: readonly Uint8Array[]): Message | undefined => {
    try {
      const message = read(text) as Message;
      const mayWait = "method" in message && !("id" in message) && !("subscription" in (message["params"] as Message));
      return !mayWait && restore(message, list) === list.length ? message : undefined;
    } catch {
      return undefined; // no JSON, or no message
    }
  };
};

/** Returns the bytes of a value that is base64 text for a peer without {@link bytes}. */
export function bytesOf(value: Bytes): Uint8Array {
  if (typeof value !== "string") return value;
  const text = atob(value);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** A text, and the bytes whose base64 texts belong between its pieces. */
class Beside implements Attached {
  readonly _texts: readonly string[];
  readonly _list: readonly Uint8Array[];
  /** As base64 text. */
  readonly length: number;

  constructor(texts: readonly string[], list: readonly Uint8Array[]) {
    this._texts = texts;
    this._list = list;
    this.length = texts.reduce(
      (sum, text, at) => sum + utf8Length(text) + (at > 0 ? base64Length(list[at - 1]!) : 0),
      0,
    );
  }

  _around(head: string, tail: string): Beside {
    const texts = [...this._texts];
    texts[0] = head + texts[0];
    texts[texts.length - 1] += tail;
    return new Beside(texts, this._list);
  }

  toString(): string {
    return this._texts.reduce((before, text, at) => before + toBase64(this._list[at - 1]!) + text);
  }

  _pack(core: Core): string | Uint8Array {
    if (core._greeting?.bytes !== true || !core._carriesBinary) return String(this);
    const list = this._list;
    const texts = this._texts.map((text) => new TextEncoder().encode(text));
    let at = 2 + ENTRY * list.length;
    const message = new Uint8Array([...list, ...texts].reduce((sum, { length }) => sum + length, at));
    const head = new DataView(message.buffer);
    let place = 0;
    message[0] = FIRST;
    message[1] = list.length;
    list.forEach(({ length }, number) => {
      head.setUint32(2 + ENTRY * number, (place += texts[number]!.length));
      head.setUint32(6 + ENTRY * number, length);
    });
    for (const part of [...list, ...texts]) {
      message.set(part, at);
      at += part.length;
    }
    return message;
  }
}

/** Reads a binary message; returns nothing if it is none with bytes beside its text. */
function takenApart(message: Uint8Array): Beside | undefined {
  const head = new DataView(message.buffer);
  const count = message[1] ?? 0;
  const texts: string[] = [];
  const list: Uint8Array[] = [];
  try {
    if (message[0] !== FIRST || count === 0) return undefined;
    let at = 2 + ENTRY * count;
    for (let number = 0; number < count; number++) {
      const end = at + head.getUint32(6 + ENTRY * number);
      if (end > message.length) return undefined;
      list.push(message.slice(at, end));
      at = end;
    }
    const text = message.subarray(at);
    const piece = (from: number, to?: number): number =>
      texts.push(new TextDecoder("utf-8", { fatal: true }).decode(text.subarray(from, to)));
    let before = 0;
    for (let number = 0; number < count; number++) {
      const place = head.getUint32(2 + ENTRY * number);
      if (place <= before || text[place - 1] !== QUOTE || text[place] !== QUOTE) return undefined;
      piece(before, place);
      before = place;
    }
    piece(before);
  } catch {
    return undefined; // the head is cut, or the text is no UTF-8
  }
  return new Beside(texts, list);
}

function base64Length({ length }: Uint8Array): number {
  return 4 * Math.ceil(length / 3);
}
