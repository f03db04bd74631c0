/** A call that this peer makes. */

import { now, timer } from "./timer.js";
import type { Core, Outgoing } from "./core.js";
import { CallError, closedError, type CallFailure, type Closed, type Fate } from "./errors.js";
import type { Json } from "./json.js";

/** What is said of one call. `Progress` is the type of its reports. */
export interface CallOptions<Progress = unknown> {
  /** Gives the call up; the other end is told to stop. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the call fails, from its start to its answer. Default: the peer's, which is 30 s. */
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

/** A value among the params that must know the call it goes with. @internal */
export const ATTACH = "$attach";

/** @internal */
export class Call implements Outgoing {
  /** The id under which its message left. */
  id: number | undefined;
  isDone = false;
  isPutBack = false;
  readonly options: CallOptions;
  readonly request: string;
  readonly size: number;
  /** Waits until the call may leave, and then lets it. */
  hold: ((go: () => void) => void) | undefined;
  /** A stream goes with it: told that the message has left, and of the end. */
  stream: { sent(): void; end(): void } | undefined;
  readonly #core: Core;
  readonly #settle: Settle;
  readonly #cancel: () => void;
  readonly #timeout: number;
  #deadline = Infinity;
  #stopTimer: (() => void) | undefined;

  /** Throws what is wrong with its params. */
  constructor(core: Core, method: string, params: Params, options: CallOptions, settle: Settle) {
    this.#core = core;
    this.options = options;
    this.#settle = settle;
    const { signal, json } = options;
    for (const value of Object.values(params ?? [])) {
      (value as { [ATTACH]?: (call: Call, core: Core) => void } | null)?.[ATTACH]?.(this, core);
    }
    this.request = core.encode(method, params, json);
    this.size = this.request.length;
    this.#cancel = () => this.fail("cancelled", signal!.reason);
    signal?.addEventListener("abort", this.#cancel);
    this.#timeout = options.timeout ?? core.options.timeout ?? 30_000;
    this.extend();
  }

  /** Begins its time anew. */
  extend(): void {
    const timeout = this.#timeout;
    if (this.isDone) return;
    this.#stopTimer?.();
    this.#deadline = now() + timeout;
    this.#stopTimer = timer(timeout, () => this.fail("timeout"));
  }

  /** The message, as it is when it leaves. */
  leave(): string | undefined {
    const core = this.#core;
    const { onProgress, idempotencyKey } = this.options;
    this.stream?.sent();
    core.calls.delete(this.id!); // it is made anew
    core.calls.set((this.id = core.nextId()), this);
    const left = this.#deadline - now();
    return (
      `{"jsonrpc":"2.0","id":${this.id},${this.request}` +
      (core.greeting && left < Infinity ? `,"timeoutMs":${left > 0 ? Math.ceil(left) : 0}` : "") +
      (onProgress ? `,"progressToken":${this.id}` : "") +
      (idempotencyKey === undefined ? "}" : `,"idempotencyKey":${JSON.stringify(idempotencyKey)}}`)
    );
  }

  settle(error: Error | undefined, result?: unknown, text?: string): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#core.calls.delete(this.id!);
    this.#stopTimer!();
    this.options.signal?.removeEventListener("abort", this.#cancel);
    this.stream?.end();
    this.#settle(error, result, text);
  }

  /** Gives the call up. */
  fail(failure: CallFailure, cause?: unknown, message?: string): void {
    if (this.isDone) return;
    this.settle(new CallError(failure, this.fate, message, cause));
    this.#core.abandoned(this);
  }

  closed(closed: Closed, fate: Fate = this.fate): void {
    this.settle(closedError(closed, fate));
  }

  get fate(): Fate {
    return this.id ? "MaybeExecuted" : "NotSent";
  }
}
