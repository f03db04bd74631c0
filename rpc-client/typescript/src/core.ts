/**
 * The tables of a peer, and the two ways through them: messages that come and messages that leave.
 *
 * Features that a program may do without (streams, sessions, liveness) are not known here; they hook in.
 */

import type { Call, Params } from "./call.js";
import { CallError, closedError, RpcError, type CallFailure, type Closed } from "./errors.js";
import { table, type Handler, type Handlers } from "./handlers.js";
import type { Json } from "./json.js";
import type { Peer } from "./peer.js";
import { parts } from "./raw.js";
import { serving, type Reply, type Serving } from "./serving.js";

/** Bounds of what is taken, sent and kept. Lengths are of text. */
export interface Limits {
  /** The longest message that is taken. Default: 4 MiB. */
  readonly messageIn: number;
  /** The longest message that is sent. Default: 1 MiB. */
  readonly messageOut: number;
  /** How much may wait to leave; more is refused as busy. Default: 1 MiB. */
  readonly queue: number;
  /** How many requests are served at a time, and how many notifications wait; more requests are refused as busy, more
   * notifications end the connection. Default: 512. */
  readonly serving: number;
}

/** How a peer behaves. */
export interface PeerOptions {
  /** What this end offers to the other one. */
  readonly handlers?: Handlers;
  /**
   * Whether the peer says what it knows beyond JSON-RPC 2.0: `always` (the default) as its first message; `auto` only
   * to a peer that has said so itself, as to foreign servers; `never`.
   */
  readonly hello?: "always" | "auto" | "never";
  /** Whether the peer asks the other end for unstable methods. Without it, the other end has none. */
  readonly unstable?: boolean;
  /** Milliseconds that a call may take, unless it says otherwise. Default: 30,000. `Infinity`: for ever. */
  readonly timeout?: number;
  readonly limits?: Partial<Limits>;
  /** How texts become values. Default: `JSON`. */
  readonly json?: Json;
  /** Takes messages without `jsonrpc`, as some servers send them. */
  readonly lenient?: boolean;
  /** Told what a handler has thrown, which the other end never learns. Default: `console.error`. */
  readonly onError?: (error: unknown, method: string) => void;
  /** Given what comes beside JSON-RPC. */
  readonly onForeign?: (text: string) => void;
  /** What the peer does beyond calls, such as {@link batchAnswers}. */
  readonly features?: readonly Feature[];
}

/** Something that a peer does beyond calls. What is not imported costs no bytes. */
export type Feature = (peer: Peer) => void;

/** A message that leaves later. @internal */
export interface Outgoing {
  /** About how long it is. */
  readonly length: number;
  /** Returns its text when it leaves; nothing if nobody wants it any more. */
  _leave(): Text | undefined;
  /** What leaves with it, if it is a batch. */
  readonly _members?: readonly Outgoing[];
  /**
   * Whether it ends with its session: it opens the session, and goes before all else; or it was put back once, after a
   * session that had not taken it in. Not there if it is of the session.
   */
  _isPutBack?: boolean | undefined;
}

/** A text that leaves. As a string it has base64 in the place of the bytes beside it. @internal */
export type Text = string | Attached;

/** A text with bytes beside it; its length is that with base64. @internal */
export interface Attached {
  readonly length: number;
  _around(head: string, tail: string): Attached;
  /** Returns the message for the other end: a binary one, or its text. */
  _pack(core: Core): string | Uint8Array;
  toString(): string;
}

/** How messages leave. @internal */
export interface Outbox {
  /** Whether there is room. */
  _isOpen(): boolean;
  /** Whether there is a link; not there if there is one until the end. */
  _isUp?(): boolean;
  /** Takes a message; returns whether there was room. What is owed is taken without room. */
  _send(message: Outgoing, isOwed?: boolean): boolean;
  /** Sends a text before all that waits. */
  _post(text: string): void;
  /** The link carries nothing any more; if it is not there, that is the end. */
  _drop?(reason: string): void;
  /** Takes back a message that waits. */
  _withdraw?(message: Outgoing): void;
  _close(code: number, reason: string): void;
}

/** A JSON object. @internal */
export type Message = { [member: string]: unknown };

/** What the other end has said of itself. @internal */
export interface Greeting {
  /** The credit with which streams begin. */
  window: number;
  /** The most members of a batch. */
  batch: number;
  /** Gives credit as soon as an item that asks for it was consumed. */
  ack?: boolean;
  /** Takes several items in one message. */
  results?: boolean;
  /** Reads several messages in one. */
  sequences?: unknown;
  /** Takes bytes beside the text of a message. */
  bytes?: unknown;
  /** Asks for unstable methods. */
  unstable?: unknown;
  /** The services that it offers. */
  offers?: unknown;
  session?: Message;
}

/** @internal */
export class Core {
  /** The handle that handlers get. */
  _peer!: Peer;
  _outbox!: Outbox;
  readonly _options: PeerOptions;
  readonly _limits: Limits;
  /** Writes a value, as the peer does if not by `json`. */
  _write: (value: unknown, json?: Json) => Text;
  /** Reads a message. */
  _read: (text: string, json?: Json) => unknown;
  readonly _handlers: Map<string, Handler>;
  /** Calls that wait for an answer, by their ids. It is no `Map`, which frees late what has left it: see `timer.ts`. */
  readonly _calls: { [id: number]: Call } = Object.create(null);
  readonly _serving: Serving;
  readonly _closed: Promise<Closed>;
  /** How the connection has ended. */
  _end: Closed | undefined;
  _greeting: Greeting | undefined;
  _isGreeted = false;
  /** The other end cancels calls, so it knows what that is. */
  _cancels = false;
  /** How many messages have come. */
  _received = 0;
  /** An answer has come, of whichever call. */
  _hasAnswer = false;
  /** Told that there may be room, while somebody waits for it. */
  _stir: (() => void) | undefined;
  /** Resolves when it is time to look whether there is room. */
  _look: Promise<void> | undefined;
  /** Takes the params of a notification whose name begins with `$/`. */
  readonly _extensions = new Map<string, (params: Message, text: string) => void>();
  /** Takes the params of a notification if it is an item of a stream. */
  _takeItem: ((params: Message, text: string) => boolean) | undefined;
  /** Takes an error without an id. */
  _takeError: ((error: RpcError) => void) | undefined;
  /** Gathers the answers to a batch. */
  _gather: ((batch: unknown[]) => { _owe: () => Reply; _send: () => void }) | undefined;
  /** This end takes bytes beside the text of a message: tells `take` the text, and how long it is with base64. */
  _takeBytes: ((message: ArrayBuffer, take: (text: string, length: number) => void) => boolean) | undefined;
  /** By how much a part of a message is longer with base64. */
  _absent: ((text: string) => number) | undefined;
  /** What else this end says of itself. */
  _offers: object | undefined;
  /** Whether its links carry binary messages. */
  declare _carriesBinary: boolean | undefined;
  /** Told of the end of a session; `renews` if another one follows. */
  readonly _onEnd: ((closed: Closed, renews: boolean) => void)[] = [];
  /** What features keep, by their own keys. */
  readonly _slots = new Map<unknown, unknown>();
  #resolveClosed!: (closed: Closed) => void;
  #lastId = 0;

  constructor(options: PeerOptions) {
    this._options = options;
    this._limits = { messageIn: 4 << 20, messageOut: 1 << 20, queue: 1 << 20, serving: 512, ...options.limits };
    const { json: own = JSON } = options;
    this._write = (value, json = own) => json.stringify(value) ?? "null";
    this._read = (text, json = own) => json.parse(text);
    this._handlers = table(options.handlers ?? {});
    this._serving = serving(this);
    this._closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  /** Takes the handle of the other end, and what the program wants beyond calls. */
  _install<T extends Peer>(peer: T): T {
    this._peer = peer;
    for (const feature of this._options.features ?? []) feature(peer);
    return peer;
  }

  // Messages that leave.

  /** Returns the members of a request behind its id. Throws why it cannot be sent. */
  _encode(method: string, params: Params, json?: Json): Text {
    let cause: unknown = "too long";
    try {
      const name = `"method":${JSON.stringify(method)}`;
      const text = params ? around(`${name},"params":`, this._write(params, json), "") : name;
      if (text.length <= this._limits.messageOut) return text;
    } catch (error) {
      cause = error;
    }
    throw new CallError("unsendable", "NotSent", String(cause), cause);
  }

  /** Sends a message of the program; returns why not. */
  _send(message: Outgoing): CallError | undefined {
    if (this._end) return closedError(this._end, "NotSent");
    return this._outbox._send(message) ? undefined : new CallError("busy", "NotSent");
  }

  /** Sends a notification of the protocol, which waits for nothing. */
  _post(method: string, params: object): void {
    if (!this._end) this._outbox._post(notification(method, JSON.stringify(params)));
  }

  _nextId(): number {
    // Clients exist that take any message with the id of a call of their own for its answer.
    if (!this.#lastId && !this._greeting) this.#lastId = Math.floor(2 ** 30 * (1 + Math.random() * 0.98));
    do this.#lastId = this.#lastId < 2 ** 31 - 1 ? this.#lastId + 1 : 2 ** 30;
    while (this._calls[this.#lastId]);
    return this.#lastId;
  }

  /** Returns what this end says of itself. */
  _hello(session?: object): string {
    const { unstable } = this._options;
    const said = {
      duplex: 1,
      batch: 100,
      ack: true,
      results: true,
      sequences: true,
      unstable,
      ...this._offers,
      session,
    };
    return notification("$/hello", JSON.stringify(said));
  }

  /** Says what this end knows, unless that was said. */
  _greet(): void {
    if (this._isGreeted || this._options.hello === "never") return;
    this._isGreeted = true;
    this._outbox._post(this._hello());
  }

  // Messages that come.

  /** Takes in a message. What the program's own functions throw does not keep it from having its effect. */
  _receive(text: string, length = text.length): void {
    this._received++;
    this._stir?.();
    try {
      if (length > this._limits.messageIn) this._close(1009, "too long");
      else this.#read(text);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }

  #read(text: string): void {
    let message;
    try {
      message = this._read(text);
    } catch {
      // What is no JSON is as foreign as what is no message.
    }
    if (!Array.isArray(message)) return this.#take(message, text);
    const texts = parts(text);
    const answers = this._gather?.(message);
    message.forEach((member, at) => this.#take(member, texts[at]![1], answers?._owe));
    answers?._send();
  }

  // What is no request is not answered by the end that opened the link.
  #take(value: unknown, text: string, owe?: () => Reply): void {
    const message = Object(value) as Message; // what is no object has no members either
    const { method, id } = message;
    if (typeof method === "string") {
      if ("id" in message) this._serving._request(message, text, owe?.());
      else this.#notified(message, method, text);
    } else if (method == null && ("result" in message || "error" in message || this.#call(id))) {
      this.#answered(message, text);
    } else if (text) this._options.onForeign?.(text);
  }

  /** Returns the call of an id, which may be anything. */
  #call(id: unknown): Call | undefined {
    return typeof id === "number" ? this._calls[id] : undefined;
  }

  #answered(message: Message, text: string): void {
    this._hasAnswer = true;
    const { id, error } = message;
    const call = this.#call(id);
    if (!call) {
      if (id === null && error) this._takeError?.(readError(error) as RpcError);
      return;
    }
    let { result } = message;
    if (error != null) return call._settle(result == null ? readError(error) : unreadable(message));
    if (result === undefined) return call._settle(unreadable(message));
    const { json } = call._options;
    try {
      if (json) ({ result } = this._read(text, json) as Message);
    } catch (why) {
      return call._settle(unreadable(why));
    }
    call._settle(undefined, result);
  }

  #notified(message: Message, method: string, text: string): void {
    const params = (message["params"] ?? {}) as Message;
    if (!this._isVersion(message) || typeof params !== "object") return;
    if (!method.startsWith("$/")) {
      if (!this._takeItem?.(params, text)) this._serving._notification(method, message["params"] ?? undefined, text);
      return;
    }
    if (method === "$/hello") this._heard(params);
    if (method === "$/cancelRequest") {
      this._cancels = true;
      this._serving._cancel(text);
    }
    if (method === "$/progress") this.#call(params["token"])?._options.onProgress?.(params["value"]);
    this._extensions.get(method)?.(params, text);
  }

  /** Takes what the other end says of itself; the first time counts. */
  _heard(said: Message): void {
    const greeting = { window: 65_536, batch: 100, ...said };
    const isRight = isCount(said["duplex"]) && isCount(greeting.window, 2 ** 31) && isCount(greeting.batch);
    if (!isRight || this._options.hello === "never") return;
    this._greet(); // alone, and before anything that the other end has just said to know
    this._greeting ??= greeting;
  }

  /** Whether the message is one of JSON-RPC 2.0. */
  _isVersion({ jsonrpc }: Message): boolean {
    return jsonrpc === "2.0" || (!!this._options.lenient && jsonrpc === undefined);
  }

  // The end.

  _close(code: number, reason: string): void {
    if (this._end) return;
    this._outbox._close(code, reason);
    this._ended({ by: "us", code, reason });
  }

  /** Ends what lives in a session beside calls; `renews` if another session follows. */
  _endSession(closed: Closed, renews: boolean): void {
    this._serving._stop(closed);
    for (const tell of [...this._onEnd]) tell(closed, renews);
  }

  /** The connection has ended for ever. */
  _ended(closed: Closed): void {
    if (this._end) return;
    this._end = closed;
    for (const call of Object.values(this._calls)) call._closed(closed);
    this._endSession(closed, false);
    this._stir?.();
    this.#resolveClosed(closed);
  }
}

/** Returns the message of a text. @internal */
export function messageOf(text: Text, _isPutBack?: boolean): Outgoing {
  return { length: text.length, _isPutBack, _leave: () => text };
}

/** Returns a text with something before and behind it. @internal */
export function around(head: string, text: Text, tail: string): Text {
  return typeof text === "string" ? head + text + tail : text._around(head, tail);
}

/** Returns the text of a notification. @internal */
export function notification(method: string, params: string): string {
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`;
}

/** Whether a value is an integer from 1 to `most`. @internal */
export function isCount(value: unknown, most = Infinity): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}

/** Errors that stand for a call without an answer. From others their codes may mean anything, unless the kind fits. */
const FAILURES: { readonly [codeAndKind: string]: CallFailure } = {
  "-32009 busy": "busy",
  "-32012 deadline": "timeout",
  "-32014 interrupted": "closed",
  "-32800 cancelled": "cancelled",
};

/** Reads an error object. @internal */
export function readError(error: unknown): RpcError | CallError {
  const { code, message, data } = error as Message;
  if (!Number.isInteger(code) || typeof message !== "string") return unreadable(error);
  const told = new RpcError(code as number, message, data);
  // No name that objects inherit begins with a number.
  const failure = FAILURES[`${told.code} ${String(told.kind)}`];
  return failure ? new CallError(failure, failure === "busy" ? "NotSent" : "MaybeExecuted", message, told) : told;
}

/** @internal */
export function unreadable(cause: unknown): CallError {
  return new CallError("unreadable", "MaybeExecuted", undefined, cause);
}
