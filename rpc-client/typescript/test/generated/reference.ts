// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import { exactJson, method, sendStream, subscribe } from "two-way-json-rpc";
import type {
  Bytes,
  CallOptions,
  Context,
  Handlers,
  Incoming,
  Peer,
  RpcError,
  Source,
  SubscribeOptions,
} from "two-way-json-rpc";

/** What the server offers; the names are those on the wire. */
export class ReferenceClient {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** The sum; overflow is -32602. */
  add(a: number | bigint, b: number | bigint, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("add", [a, b], { json: exactJson, ...options });
  }

  /** The value, byte for byte. */
  echo(value: unknown, options?: CallOptions): Promise<unknown> {
    return this.#peer.call("echo", [value], options);
  }

  /** `hello, NAME`, or with another greeting. */
  greet(name: string, greeting?: string | null, options?: CallOptions): Promise<string> {
    return this.#peer.call("greet", { name, greeting }, options);
  }

  /** Answers `ms` after that time; stops when cancelled. */
  sleep(ms: number | bigint, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("sleep", [ms], { json: exactJson, ...options });
  }

  /** How many `sleep`s ran to their end, over all connections. */
  slept(options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("slept", undefined, { json: exactJson, ...options });
  }

  /** Answers with that error. */
  fail(
    code: number | bigint,
    message: string,
    data?: unknown,
    options?: CallOptions,
  ): Promise<void> {
    return this.#peer.call("fail", { code, message, data }, { json: exactJson, ...options });
  }

  /**
   * Answers with the error [`Full`].
   * @throws {ReferenceTypedFailError}
   */
  typedFail(max: number, options?: CallOptions): Promise<void> {
    return this.#peer.call("typed_fail", [max], options);
  }

  /** Panics. */
  panic(options?: CallOptions): Promise<void> {
    return this.#peer.call("panic", undefined, options);
  }

  /** A string of so many `x`. */
  big(bytes: number | bigint, options?: CallOptions): Promise<string> {
    return this.#peer.call("big", [bytes], { json: exactJson, ...options });
  }

  /** Appends to the connection's list. */
  note(text: string): void {
    this.#peer.notify("note", [text]);
  }

  /** The connection's list, in order of arrival. */
  notes(options?: CallOptions): Promise<string[]> {
    return this.#peer.call("notes", undefined, options);
  }

  /**
   * Counts up; the counters are shared by all connections.
   * @throws {ReferenceIncrError}
   */
  incr(key: string, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("incr", [key], { json: exactJson, ...options });
  }

  /** What the counter stands at. */
  count(key: string, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("count", [key], { json: exactJson, ...options });
  }

  /** All counters, and how they change. */
  counters(options?: SubscribeOptions): Incoming<ChangeOfMapOfUint64> {
    return subscribe(this.#peer, "counters", undefined, { json: exactJson, ...options });
  }

  /** Tells a value to all who take `news`. Answers how many there are. */
  announce(value: unknown, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("announce", [value], { json: exactJson, ...options });
  }

  /** What is announced, after the last three announcements. */
  news(options?: SubscribeOptions): Incoming<unknown> {
    return subscribe(this.#peer, "news", undefined, options);
  }

  /**
   * Watches a live value of the caller, of which it asks for at most one change in so many milliseconds. Gives the
   * values as the server has them.
   */
  watch(
    method: string,
    intervalMs: number | bigint,
    options?: SubscribeOptions,
  ): Incoming<unknown> {
    return subscribe(this.#peer, "watch", [method, intervalMs], { json: exactJson, ...options });
  }

  /** Gives the items of a stream of the caller as they come. */
  relay(method: string, options?: SubscribeOptions): Incoming<unknown> {
    return subscribe(this.#peer, "relay", [method], options);
  }

  /** Wants no notifications of a method from the caller any more, or wants them again. */
  mute(method: string, muted: boolean, options?: CallOptions): Promise<void> {
    return this.#peer.call("mute", [method, muted], options);
  }

  /** How many notifications were not sent to the caller, or were not run, as they are muted. */
  skipped(options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("skipped", undefined, { json: exactJson, ...options });
  }

  /** The caller as the server sees it. */
  whoami(options?: CallOptions): Promise<Whoami> {
    return this.#peer.call("whoami", undefined, options);
  }

  /**
   * What the caller offers, beside what the server calls: `same`, `compatible`, `unknown`, or `differs` with a line
   * for each difference.
   */
  offers(options?: CallOptions): Promise<string> {
    return this.#peer.call("offers", undefined, options);
  }

  /** Calls a method of the caller; its result or error becomes the answer. */
  callBack(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#peer.call("call_back", { method, params }, options);
  }

  /** 0 for 0; else one more than what the caller's `bounce` says to one less. */
  bounce(depth: number, options?: CallOptions): Promise<number> {
    return this.#peer.call("bounce", [depth], options);
  }

  /** Sends so many `tick`s to the caller, then answers how many. */
  push(n: number, options?: CallOptions): Promise<number> {
    return this.#peer.call("push", [n], options);
  }

  /**
   * Puts the caller into a group.
   * @throws {ReferenceIncrError}
   */
  join(group: string, options?: CallOptions): Promise<void> {
    return this.#peer.call("join", [group], { json: exactJson, ...options });
  }

  /** Takes the caller out of a group. */
  leave(group: string, options?: CallOptions): Promise<void> {
    return this.#peer.call("leave", [group], options);
  }

  /** The ids of a group's members. */
  members(group: string, options?: CallOptions): Promise<string[]> {
    return this.#peer.call("members", [group], options);
  }

  /** Sends `message` to each member of a group; answers how many queues took it. */
  publish(group: string, value: unknown, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("publish", [group, value], { json: exactJson, ...options });
  }

  /** Calls `answer` of each member of a group; what arrives within `ms`. */
  ask(
    group: string,
    question: string,
    ms: number | bigint,
    options?: CallOptions,
  ): Promise<Reply[]> {
    return this.#peer.call("ask", [group, question, ms], { json: exactJson, ...options });
  }

  /** Reports each step, then answers `built`. */
  build(steps: number, options?: CallOptions<Step>): Promise<string> {
    return this.#peer.call("build", [steps], options);
  }

  /**
   * 0, 1, … count - 1, one each `every_ms`. A `count` of 0 never ends, an `every_ms` of 0 is as
   * fast as the reader takes it.
   */
  ticks(
    count: number | bigint,
    everyMs: number | bigint,
    options?: SubscribeOptions,
  ): Incoming<number | bigint> {
    return subscribe(this.#peer, "ticks", [count, everyMs], { json: exactJson, ...options });
  }

  /** `size` bytes in chunks of `chunk`, at most 256 KiB; the last chunk may be shorter. */
  bytes(
    size: number | bigint,
    chunk: number | bigint,
    options?: SubscribeOptions,
  ): Incoming<Bytes> {
    return subscribe(this.#peer, "bytes", [size, chunk], { json: exactJson, ...options });
  }

  /** All of them together; overflow is -32602. */
  sum(values: Source<number | bigint>, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("sum", [sendStream(values)], { json: exactJson, ...options });
  }

  /** Reads a file, and answers what has come. Reports how many bytes it has read. */
  upload(file: Source<Bytes>, options?: CallOptions<number | bigint>): Promise<Uploaded> {
    return this.#peer.call("upload", [sendStream(file)], { json: exactJson, ...options });
  }

  /** How the server is doing. */
  stats(options?: CallOptions): Promise<Stats> {
    return this.#peer.call("stats", undefined, { json: exactJson, ...options });
  }
}

export type ReferenceTypedFailError = RpcError<1001, { max: number }>;

export const ReferenceTypedFailErrorCode = { Full: 1001 } as const;

export type ReferenceIncrError =
  /** Of a group or a counter. */
  | RpcError<1002, { max: number | bigint }>
  /** Counters, or groups of one connection. */
  | RpcError<1003, { max: number | bigint }>
  /** The caller is gone. */
  | RpcError<1004, undefined>;

export const ReferenceIncrErrorCode = { Name: 1002, More: 1003, Ended: 1004 } as const;

/** What a caller may offer to the server, on the same connection. */
export interface CallerHandlers {
  /** As the server's own. */
  bounce: (depth: number, context: Context) => number | Promise<number>;

  /** An item of `push`. */
  tick: (n: number, context: Context) => void | Promise<void>;

  /** What was published to a group. */
  message: (group: string, value: unknown, context: Context) => void | Promise<void>;

  /** What is asked of a group. */
  answer: (question: string, context: Context) => unknown | Promise<unknown>;
}

/** Makes the handlers of a peer of an object that implements `CallerHandlers`. */
export function callerHandlers(handlers: CallerHandlers): Handlers {
  return {
    "bounce": method(
      ["depth"],
      (depth: number, context: Context) => handlers.bounce(depth, context),
    ),
    "tick": method(["n"], (n: number, context: Context) => handlers.tick(n, context)),
    "message": method(
      ["group", "value"],
      (group: string, value: unknown, context: Context) => handlers.message(group, value, context),
    ),
    "answer": method(
      ["question"],
      (question: string, context: Context) => handlers.answer(question, context),
    ),
  };
}

/** How a value changes: the whole value, or a JSON Patch (RFC 6902) on the value before. */
export type ChangeOfMapOfUint64 =
  /** The whole value. */
  | { value: Record<string, number | bigint> }
  /** What is to change in the value that the receiver has. */
  | { patch: JsonPatch };

/** A JSON Patch (RFC 6902). */
export type JsonPatch = { from?: string; op: "add" | "remove" | "replace" | "move" | "copy" | "test"; path: string; value?: unknown }[];

/** What a member of a group answered. */
export interface Reply {
  id: string;
  result: unknown;
}

/** Over all connections. */
export interface Stats {
  /** How many connections have ended, by close code. */
  closes: Record<string, number | bigint>;
  connections: number | bigint;
  groups: number | bigint;
  /** Requests being served, the one for this included. */
  in_flight: number | bigint;
  /** Calls that the server has made and waits on. */
  pending: number | bigint;
  /** Bytes that wait to be sent. */
  queue_bytes: number | bigint;
  /** Results for calls that were never made, or already answered. */
  stray: number | bigint;
  subscriptions: number | bigint;
  /** Alive tasks of the runtime. */
  tasks: number | bigint;
}

/** How far a `build` has come. */
export interface Step {
  of: number;
  /** From 1. */
  step: number;
}

/** A file that has come. */
export interface Uploaded {
  bytes: number | bigint;
  /** FNV-1a of 32 bits: a byte that is lost, changed or elsewhere changes it. */
  hash: number;
}

/** Who calls. */
export interface Whoami {
  id: string;
  /** Address and port. */
  remote: string;
}

/** The services of both ends by version and hash, for `offers` and `offered`. */
export const services = {
  serves: {
    caller: {
      name: "Caller",
      version: "1.1",
      hash: "9cad4bec44670bf35d2bf4676d54894f",
      methods: ["bounce", "tick", "message", "answer"],
    },
  },
  calls: {
    reference: {
      name: "Reference",
      version: "1.1",
      hash: "a6eb48e4e5afe35b03da5d414436cf67",
      methods: [
        "add",
        "echo",
        "greet",
        "sleep",
        "slept",
        "fail",
        "typed_fail",
        "panic",
        "big",
        "note",
        "notes",
        "incr",
        "count",
        "counters",
        "announce",
        "news",
        "watch",
        "relay",
        "mute",
        "skipped",
        "whoami",
        "offers",
        "call_back",
        "bounce",
        "push",
        "join",
        "leave",
        "members",
        "publish",
        "ask",
        "build",
        "ticks",
        "bytes",
        "sum",
        "upload",
        "stats",
      ],
    },
  },
} as const;
