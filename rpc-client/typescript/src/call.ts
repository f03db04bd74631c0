/** A call that this peer makes. */

import { arm, disarm, now, type Alarm } from "./timer.js";
import { around, type Core, type Outgoing, type Text } from "./core.js";
import { CallError, closedError, type CallFailure, type Closed, type Fate } from "./errors.js";
import type { Json } from "./json.js";

/** What is said of one call. `Progress` is the type of its reports. */
export interface CallOptions<Progress = unknown> {
  /** Gives the call up; the other end is told to stop. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds until the call fails, from its start to its answer. Default: the peer's, which is 30 s; it begins anew
   * with each item of a stream that goes with the call.
   */
  readonly timeout?: number | undefined;
  /** Asks for reports of progress, which all come before the answer. */
  readonly onProgress?: ((value: Progress) => void) | undefined;
  /** Makes the call safe to retry: the other end runs it once for each key. */
  readonly idempotencyKey?: string | undefined;
  /** The method may run twice, so that the call may be made anew in another session. */
  readonly isIdempotent?: boolean | undefined;
  /** How params are written and the result is read, if not as by the peer. */
  readonly json?: Json | undefined;
}

/** By position, or by name. */
export type Params = readonly unknown[] | object | undefined;

/** Told once how a call ended: by an error, or by a result and the text of the message that brought it. @internal */
export type Settle = (error: Error | undefined, result?: unknown, text?: string) => void;

/** The call whose params are being written: a value among them may go with the call. @internal */
export let writing: Call | undefined;

/** @internal */
export class Call implements Outgoing, Alarm {
  /** The id under which its message left. */
  _id: number | undefined;
  _isDone = false;
  _isPutBack = false;
  readonly _options: CallOptions;
  readonly length: number;
  /** Waits until the call may leave, and then lets it. */
  _hold: ((go: () => void) => void) | undefined;
  /** A stream goes with it: told that the message has left, and of the end. */
  _stream: { _sent(): void; _end(): void } | undefined;
  _due = Infinity;
  readonly _core: Core;
  readonly #request: Text;
  readonly #settle: Settle;
  readonly #cancel: (() => void) | undefined;

  /** Throws what is wrong with its params. */
  constructor(core: Core, method: string, params: Params, options: CallOptions, settle: Settle) {
    this._core = core;
    this._options = options;
    this.#settle = settle;
    const outer = writing;
    writing = this;
    try {
      this.#request = core._encode(method, params, options.json);
    } finally {
      writing = outer;
    }
    this.length = this.#request.length;
    const { signal } = options;
    if (signal) signal.addEventListener("abort", (this.#cancel = () => this._fail("cancelled", signal.reason)));
    this._extend();
  }

  /** Begins its time anew. */
  _extend(): void {
    if (this._isDone) return;
    this._due = now() + (this._options.timeout ?? this._core._options.timeout ?? 30_000);
    arm(this);
  }

  _ring(): void {
    this._fail("timeout");
  }

  /** The message, as it is when it leaves. */
  _leave(): Text {
    const core = this._core;
    const { onProgress, idempotencyKey } = this._options;
    this._stream?._sent();
    if (this._id) core._calls.delete(this._id); // it is made anew
    const id = (this._id = core._nextId());
    core._calls.set(id, this);
    let tail = "}";
    if (idempotencyKey !== undefined) tail = `,"idempotencyKey":${JSON.stringify(idempotencyKey)}}`;
    if (onProgress) tail = `,"progressToken":${id}${tail}`;
    // The other end does not know that the time begins anew with each item.
    const isFixed = this._due < Infinity && !(this._stream && this._options.timeout === undefined);
    if (core._greeting && isFixed) {
      tail = `,"timeoutMs":${Math.max(Math.ceil(this._due - now()), 0)}${tail}`;
    }
    return around(`{"jsonrpc":"2.0","id":${id},`, this.#request, tail);
  }

  _settle(error: Error | undefined, result?: unknown, text?: string): void {
    if (this._isDone) return;
    this._isDone = true;
    this._core._calls.delete(this._id!);
    disarm(this);
    if (this.#cancel) this._options.signal!.removeEventListener("abort", this.#cancel);
    this._stream?._end();
    this.#settle(error, result, text);
  }

  /** Gives the call up. */
  _fail(failure: CallFailure, cause?: unknown, message?: string): void {
    if (this._isDone) return;
    this._settle(new CallError(failure, this._fate, message, cause));
    this._core._abandoned(this);
  }

  _closed(closed: Closed, fate: Fate = this._fate): void {
    this._settle(closedError(closed, fate));
  }

  _open(): Call[] {
    return this._isDone ? [] : [this];
  }

  /** It is to leave again, under another id. */
  _takeBack(): void {
    this._core._calls.delete(this._id!);
    this._id = undefined;
  }

  get _fate(): Fate {
    return this._id ? "MaybeExecuted" : "NotSent";
  }
}
