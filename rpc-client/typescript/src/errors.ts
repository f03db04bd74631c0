/** What a caller gets instead of a result. */

import type { Mismatch } from "./offers/comparison.js";

/**
 * What is known of a request that got no answer. `NotSent`: the other end certainly does not have it, so it may be made
 * again. `MaybeExecuted`: it may have run.
 */
export type Fate = "NotSent" | "MaybeExecuted";

/**
 * The error object of an answer. A call rejects with it when the other end answered with an error; a handler throws it
 * to answer with that error. What `code` and `data` may be is up to the method, so that a union of such types is told
 * apart by the code:
 *
 * ```ts
 * type ChatError = RpcError<1001, { max: number }> | RpcError<1003, undefined>;
 * ```
 */
export class RpcError<Code extends number = number, Data = unknown> extends Error {
  readonly code: Code;
  readonly data: Data;
  /** How the service of the method differs from that of the other end: known with the feature `offers`. */
  declare readonly mismatch?: Mismatch;

  constructor(code: Code, message: string, data?: Data) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.data = data as Data;
  }

  /** The word by which an error of this protocol is known, such as `busy`; its code alone may mean anything. */
  get kind(): unknown {
    return (this.data as { kind?: unknown } | null | undefined)?.kind;
  }
}

/** Why a call got no answer, or one that says no more than that. */
export type CallFailure =
  /** Its time has run out, here or at the other end. */
  | "timeout"
  /** Its signal was aborted, and `cause` is the signal's reason; or the other end has cancelled it. */
  | "cancelled"
  /** The connection, or the session, has ended; or the other end was interrupted. */
  | "closed"
  /** Too much waits to be sent already; or the other end has too much to do, and has not begun. */
  | "busy"
  /** The params cannot be sent: they are no JSON, or too long. */
  | "unsendable"
  /** The answer is not what JSON-RPC allows. */
  | "unreadable";

/**
 * The failure of a call that got no answer. Its `name` is `TimeoutError` or `AbortError` where the web has a name for
 * the failure.
 */
export class CallError extends Error {
  readonly failure: CallFailure;
  readonly fate: Fate;

  constructor(failure: CallFailure, fate: Fate, message: string = failure, cause?: unknown) {
    super(message, { cause });
    this.name = failure === "timeout" ? "TimeoutError" : failure === "cancelled" ? "AbortError" : "CallError";
    this.failure = failure;
    this.fate = fate;
  }
}

/** How a connection has ended. */
export interface Closed {
  /** This end or the other one closed it, or the link was lost without a close. */
  readonly by: "us" | "peer" | "link";
  readonly code: number | undefined;
  readonly reason: string;
}

/** @internal */
export function closedError({ by, code, reason }: Closed, fate: Fate): CallError {
  return new CallError("closed", fate, `closed by ${by}: ${code ?? ""} ${reason}`);
}
