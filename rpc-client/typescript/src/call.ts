/** A call that this peer makes. */

import { arm, disarm, now, type Alarm } from "./timer.js";
import { around, type Core, type Outgoing, type Text } from "./core.js";
import { CallError, closedError, type CallFailure, type Closed, type Fate } from "./errors.js";
import type { Json } from "./json.js";
import type { Peer } from "./peer.js";

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

/** The call whose params are being written: a value among them may go with the call. @internal */
export let writing: Call | undefined;

/** Who makes a call. @internal */
export type Caller = Pick<Peer, "_core" | "_isFirst">;

/** @internal */
export class Call implements Outgoing, Alarm {
  readonly _core: Core;
  readonly _options: CallOptions;
  readonly length: number;
  /** The id under which its message left. */
  _id: number | undefined;
  _isDone = false;
  _isPutBack: boolean;
  /** Waits until the call may leave, and then lets it. */
  _hold: ((go: () => void) => void) | undefined;
  /** A stream goes with it: told that the message has left, and of the end. */
  _stream: { _sent(): void; _end(): void } | undefined;
  _due = Infinity;
  readonly #request: Text;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: Error) => void;

  /** Throws what is wrong with its params. */
  constructor(
    { _core: core, _isFirst: isFirst }: Caller,
    method: string,
    params: Params,
    options: CallOptions,
    resolve: (result: unknown) => void,
    reject: (error: Error) => void,
  ) {
    this._core = core;
    this._options = options;
    this._isPutBack = isFirst;
    this.#resolve = resolve;
    this.#reject = reject;
    const outer = writing;
    writing = this;
    try {
      this.#request = core._encode(method, params, options.json);
    } finally {
      writing = outer;
    }
    this.length = this.#request.length;
    this._extend();
    const { signal } = options;
    signal?.addEventListener("abort", this);
    if (signal?.aborted) this.handleEvent();
  }

  /** Sends it as soon as it may leave. */
  _start(): void {
    if (this._hold) this._hold(() => this.#send());
    else this.#send();
  }

  #send(): void {
    if (this._isDone) return;
    const error = this._core._send(this);
    if (error) this._settle(error);
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

  /** Its signal was aborted. */
  handleEvent(): void {
    this._fail("cancelled", this._options.signal!.reason);
  }

  /** The message, as it is when it leaves. */
  _leave(): Text | undefined {
    if (this._isDone) return undefined;
    const core = this._core;
    const { onProgress, idempotencyKey, timeout } = this._options;
    this._stream?._sent();
    const id = (this._id = core._nextId());
    core._calls[id] = this;
    let tail = "";
    // The other end does not know that the time begins anew with each item.
    const isFixed = this._due < Infinity && !(this._stream && timeout === undefined);
    if (core._greeting && isFixed) tail = `,"timeoutMs":${Math.max(Math.ceil(this._due - now()), 0)}`;
    if (onProgress) tail += `,"progressToken":${id}`;
    if (idempotencyKey !== undefined) tail += `,"idempotencyKey":${JSON.stringify(idempotencyKey)}`;
    return around(`{"jsonrpc":"2.0","id":${id},`, this.#request, `${tail}}`);
  }

  /** It has ended, by an error or by a result. */
  _settle(error: Error | undefined, result?: unknown): void {
    if (this._isDone) return;
    this._isDone = true;
    delete this._core._calls[this._id!];
    disarm(this);
    this._options.signal?.removeEventListener("abort", this);
    this._stream?._end();
    if (error) this.#reject(error);
    else this.#resolve(result);
  }

  /** Gives the call up. */
  _fail(failure: CallFailure, cause?: unknown, message?: string): void {
    if (this._isDone) return;
    const { _core: core, _id: id } = this;
    this._settle(new CallError(failure, this._fate, message, cause));
    if (!id) core._outbox._withdraw?.(this);
    else if (core._greeting || core._cancels) core._post("$/cancelRequest", { id });
  }

  _closed(closed: Closed, fate: Fate = this._fate): void {
    this._settle(closedError(closed, fate));
  }

  get _fate(): Fate {
    return this._id ? "MaybeExecuted" : "NotSent";
  }
}

/** Returns the calls in a message that wait for an answer; nothing if it has no calls. @internal */
export function callsIn(message: Outgoing): Call[] | undefined {
  const calls = (message._members ?? [message]).filter((member) => member instanceof Call);
  return calls.length > 0 ? calls.filter(({ _isDone }) => !_isDone) : undefined;
}

/** A call is to leave again, under another id. @internal */
export function takeBack(call: Call): void {
  delete call._core._calls[call._id!];
  call._id = undefined;
}

/** Asks the other end for a sign of life, before all else. @internal */
export function ping(core: Core, timeout?: number): void {
  const none = (): void => {};
  new Call({ _core: core, _isFirst: true }, "$/ping", undefined, { timeout }, none, none)._start();
}
