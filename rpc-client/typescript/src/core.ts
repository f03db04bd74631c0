/**
 * The tables of a peer, and the two ways through them: messages that come and messages that leave.
 *
 * Features that a program may do without (streams, sessions, liveness) are not known here; they hook in.
 */

import { Call, type Params } from "./call.js";
import { CallError, closedError, RpcError, type CallFailure, type Closed } from "./errors.js";
import { table, type Handler, type Handlers } from "./handlers.js";
import type { Json } from "./json.js";
import type { Peer } from "./peer.js";
import { parts } from "./raw.js";
import { Serving, type Reply } from "./serving.js";

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

/** A message that leaves. @internal */
export interface Outgoing {
  /** About how long it is. */
  readonly size: number;
  /** Returns its text when it leaves; nothing if nobody wants it any more. */
  leave(): string | undefined;
  /** Whether it was put back after a session that had not taken it in; not there if it ends with its session. */
  isPutBack?: boolean;
}

/** How messages leave. @internal */
export interface Outbox {
  /** Whether there is room. */
  isOpen(): boolean;
  /** Whether there is a link. */
  isUp(): boolean;
  /** Takes a message; returns whether there was room. What is owed is taken without room. */
  send(message: Outgoing, isOwed?: boolean, isFirst?: boolean): boolean;
  /** Sends a text before all that waits. */
  post(text: string): void;
  /** Resolves when there is room, or never will be. */
  room(): Promise<void>;
  /** The link carries nothing any more. */
  drop(reason: string): void;
  /** Takes back a message that waits. */
  withdraw?(message: Outgoing): void;
  close(code: number, reason: string): void;
}

/** A JSON object. @internal */
export type Message = { [member: string]: unknown };

/** What the other end has said of itself. @internal */
export interface Greeting {
  window?: number;
  batch?: number;
  /** Gives credit as soon as an item that asks for it was consumed. */
  ack?: boolean;
  /** Takes several items in one message. */
  results?: boolean;
  session?: Message;
}

/** @internal */
export class Core {
  /** The handle that handlers get. */
  peer!: Peer;
  outbox!: Outbox;
  readonly options: PeerOptions;
  readonly limits: Limits;
  readonly json: Json;
  readonly handlers: Map<string, Handler>;
  readonly calls = new Map<number, Call>();
  readonly serving = new Serving(this);
  readonly closed: Promise<Closed>;
  /** How the connection has ended. */
  end: Closed | undefined;
  greeting: Greeting | undefined;
  isGreeted = false;
  /** How many messages have come. */
  received = 0;
  /** Takes the params of a notification whose name begins with `$/`. */
  readonly extensions = new Map<string, (params: Message, text: string) => void>();
  /** Takes the params of a notification if it is an item of a stream. */
  takeItem: ((params: Message, text: string) => boolean) | undefined;
  /** Takes an error without an id. */
  takeError: ((error: RpcError) => void) | undefined;
  /** Gathers the answers to a batch. */
  gather: ((batch: unknown[]) => { owe: () => Reply; send: () => void }) | undefined;
  /** Told of each message that should not have come. */
  onFault: (() => void) | undefined;
  /** Told of the end of a session; `renews` if another one follows. */
  readonly onEnd: ((closed: Closed, renews: boolean) => void)[] = [];
  /** What features keep, by their own keys. */
  readonly slots = new Map<unknown, unknown>();
  #resolveClosed!: (closed: Closed) => void;
  #cancels = false;
  #lastId: number | undefined;
  #givenUp = 0;

  constructor(options: PeerOptions) {
    this.options = options;
    this.limits = { messageIn: 4 << 20, messageOut: 1 << 20, queue: 1 << 20, serving: 512, ...options.limits };
    this.json = options.json ?? JSON;
    this.handlers = table(options.handlers ?? {});
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  /** Takes the handle of the other end, and what the program wants beyond calls. */
  install<T extends Peer>(peer: T): T {
    this.peer = peer;
    for (const feature of this.options.features ?? []) feature(peer);
    return peer;
  }

  // Messages that leave.

  /** Returns the members of a request behind its id. Throws why it cannot be sent. */
  encode(method: string, params: Params, json: Json = this.json): string {
    let cause: unknown = "too long";
    try {
      const text = JSON.stringify(method) + (params ? `,"params":${json.stringify(params)}` : "");
      if (text.length <= this.limits.messageOut) return `"method":${text}`;
    } catch (error) {
      cause = error;
    }
    throw new CallError("unsendable", "NotSent", String(cause), cause);
  }

  /** Starts a call. */
  start(call: Call, isFirst = false): void {
    const { signal } = call.options;
    // A call that opens a session does not outlive the session.
    call.isPutBack = isFirst;
    const go = (): void => {
      const error = this.send(call, isFirst);
      if (error) call.settle(error);
    };
    if (signal?.aborted) call.fail("cancelled", signal.reason);
    else (call.hold ?? ((go) => go()))(go);
  }

  /** Sends a message of the program; returns why not. */
  send(message: Outgoing, isFirst: boolean): CallError | undefined {
    if (this.end) return closedError(this.end, "NotSent");
    if (!this.outbox.send(message, false, isFirst)) return new CallError("busy", "NotSent");
    return undefined;
  }

  /** Sends a notification of the protocol, which waits for nothing. */
  post(method: string, params: object): void {
    if (!this.end) this.outbox.post(`{"jsonrpc":"2.0","method":"$/${method}","params":${JSON.stringify(params)}}`);
  }

  nextId(): number {
    // Clients exist that take any message with the id of a call of their own for its answer.
    this.#lastId ??= this.greeting ? 0 : 2 ** 30 + Math.floor(Math.random() * (2 ** 30 - 2 ** 24));
    do this.#lastId = this.#lastId < 2 ** 31 - 1 ? this.#lastId + 1 : 2 ** 30;
    while (this.calls.has(this.#lastId));
    return this.#lastId;
  }

  /** The caller of a call does not wait for it any more. */
  abandoned(call: Call): void {
    const { id } = call;
    if (!id) return this.outbox.withdraw?.(call);
    this.#givenUp++;
    if (this.greeting || this.#cancels) this.post("cancelRequest", { id });
  }

  /** Says what this end knows, unless that was said. */
  greet(session?: object): void {
    if (this.isGreeted || this.options.hello === "never") return;
    this.isGreeted = true;
    this.post("hello", { duplex: 1, batch: 100, ack: true, results: true, session });
  }

  // Messages that come.

  /** Takes in a message. What the program's own functions throw does not keep it from having its effect. */
  receive(text: string): void {
    this.received++;
    try {
      this.#read(text);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }

  #read(text: string): void {
    if (text.length > this.limits.messageIn) return this.close(1009, "too long");
    let message;
    try {
      message = this.json.parse(text);
    } catch {
      if (text) this.#foreign(text);
      return;
    }
    if (!Array.isArray(message)) return this.#receive(message, text);
    const texts = parts(text);
    const answers = this.gather?.(message);
    message.forEach((member, at) => this.#receive(member, texts[at]![1], answers?.owe));
    answers?.send();
  }

  #receive(value: unknown, text: string, owe?: () => Reply): void {
    const message = Object(value) as Message; // what is no object has no members either
    const { method, id } = message;
    if (typeof method === "string") {
      if ("id" in message) this.serving.request(message, text, owe?.());
      else this.#notified(message, method, text);
    } else if (method == null && ("result" in message || "error" in message || this.calls.has(id as number))) {
      this.#answered(message, text);
    } else this.#foreign(text);
  }

  #answered(message: Message, text: string): void {
    const { id, error } = message;
    const call = this.calls.get(id as number);
    if (!call) {
      if (id === null && error) this.takeError?.(readError(error) as RpcError);
      else if (this.#givenUp > 0) return void this.#givenUp--;
      return this.onFault?.();
    }
    let { result } = message;
    if (error != null) return call.settle(result == null ? readError(error) : unreadable(message));
    if (result === undefined) return call.settle(unreadable(message));
    try {
      if (call.options.json) ({ result } = call.options.json.parse(text) as Message);
    } catch (why) {
      return call.settle(unreadable(why));
    }
    call.settle(undefined, result, text);
  }

  #notified(message: Message, method: string, text: string): void {
    const params = (message["params"] ?? {}) as Message;
    if (!this.isVersion(message) || typeof params !== "object") return this.onFault?.();
    if (!method.startsWith("$/")) {
      if (!this.takeItem?.(params, text)) this.serving.notification(method, message["params"] ?? undefined, text);
      return;
    }
    if (method === "$/hello") this.hello(params);
    if (method === "$/cancelRequest") {
      this.#cancels = true;
      this.serving.cancel(text);
    }
    if (method === "$/progress") this.calls.get(params["token"] as number)?.options.onProgress?.(params["value"]);
    this.extensions.get(method)?.(params, text);
  }

  /** Takes what the other end says of itself; the first time counts. */
  hello({ duplex, ...greeting }: Message): void {
    const { window, batch } = greeting;
    const isWrong = window !== undefined && !isCount(window, 2 ** 31);
    if (isWrong || !isCount(duplex) || (batch !== undefined && !isCount(batch))) return this.onFault?.();
    if (this.options.hello === "never") return;
    this.greeting ??= greeting;
    this.greet();
  }

  /** Whether the message is one of JSON-RPC 2.0. */
  isVersion({ jsonrpc }: Message): boolean {
    return jsonrpc === "2.0" || (!!this.options.lenient && jsonrpc === undefined);
  }

  /** What is no request is not answered by the end that opened the link. */
  #foreign(text: string): void {
    (this.options.onForeign ?? this.onFault)?.(text);
  }

  // The end.

  close(code: number, reason: string): void {
    if (this.end) return;
    this.outbox.close(code, reason);
    this.ended({ by: "us", code, reason });
  }

  /** The connection has ended for ever. */
  ended(closed: Closed): void {
    if (this.end) return;
    this.end = closed;
    for (const call of [...this.calls.values()]) call.closed(closed);
    this.serving.stop(closed);
    for (const tell of [...this.onEnd]) tell(closed, false);
    this.#resolveClosed(closed);
  }
}

/** Whether a value is an integer from 1 to `most`. @internal */
export function isCount(value: unknown, most = Infinity): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}

/** Errors that stand for a call without an answer. From others their codes may mean anything, unless the kind fits. */
const FAILURES = new Map<string, CallFailure>([
  ["-32009 busy", "busy"],
  ["-32012 deadline", "timeout"],
  ["-32014 interrupted", "closed"],
  ["-32800 cancelled", "cancelled"],
]);

/** Reads an error object. @internal */
export function readError(error: unknown): RpcError | CallError {
  const { code, message, data } = error as Message;
  if (!Number.isInteger(code) || typeof message !== "string") return unreadable(error);
  const told = new RpcError(code as number, message, data);
  const failure = FAILURES.get(`${told.code} ${String(told.kind)}`);
  return failure ? new CallError(failure, failure === "busy" ? "NotSent" : "MaybeExecuted", message, told) : told;
}

function unreadable(cause: unknown): CallError {
  return new CallError("unreadable", "MaybeExecuted", undefined, cause);
}
