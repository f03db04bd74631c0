/** Subscriptions of this end. */

import { Call, type CallOptions, type Params } from "../call.js";
import { unreadable } from "../core.js";
import { CallError } from "../errors.js";
import type { Peer } from "../peer.js";
import { receiveStream, type Incoming, type StreamOptions } from "./incoming.js";

export interface SubscribeOptions extends CallOptions, StreamOptions {
  /** The method that ends the subscription. By default `unsubscribe_` stands before the last part of the name. */
  readonly unsubscribe?: string;
  /** Whether the same stream goes on behind a gap when its session has ended. Default: true. */
  readonly renew?: boolean;
}

/**
 * Subscribes, and returns the items. Leaving the loop over them unsubscribes.
 *
 * ```ts
 * for await (const price of subscribe<number>(peer, "market.ticks", ["BTC"])) …
 * ```
 *
 * A subscription that is refused rejects at the first item. `signal` ends the stream at any time.
 */
export function subscribe<T>(peer: Peer, method: string, params?: Params, options: SubscribeOptions = {}): Incoming<T> {
  const { _core: core, _isFirst: isFirst } = peer;
  const unsubscribe = options.unsubscribe ?? unsubscribeName(method);
  const { signal, renew = true } = options;
  const stream = receiveStream<T>(core, options, (id, isNegotiated) => {
    if (isNegotiated) core._post("$/stop", { subscription: id });
    else core._outbox._send(new Call(peer, unsubscribe, [id], {}, () => {}, () => {}), true);
  });
  let call: Call;
  const start = (): void => {
    const begun = (id: unknown): void => {
      if (typeof id === "string" || typeof id === "number") stream._begin(id, !!core._greeting && core._isGreeted);
      else stream._finish(unreadable("no id"), true);
    };
    const failed = (error: Error): void => {
      const isOfSession = error instanceof CallError && error.failure === "closed" && !core._end;
      if (isOfSession && stream._hasBegun && renew)
        start(); // another session has ended meanwhile
      else stream._finish(error, true);
    };
    call = new Call(peer, method, params, { ...options, json: undefined }, begun, failed);
    // What goes with the call goes on as long as the stream that it answers.
    const { _stream: argument } = call;
    if (argument) {
      call._stream = { _sent: () => argument._sent(), _end: () => {} };
      const { _onFinish: onFinish } = stream;
      stream._onFinish = () => {
        onFinish?.();
        argument._end();
      };
    }
    call._start();
  };
  /** Begins the stream anew when its session has ended. */
  const onEnd = (_: unknown, renews: boolean): void => {
    if (!renews || !renew || isFirst || stream._isFinished || !call._isDone || call._stream) return;
    stream._interrupt();
    start();
  };
  core._onEnd.unshift(onEnd);
  const onAbort = (): void => stream._finish(new CallError("cancelled", "MaybeExecuted", undefined, signal!.reason));
  signal?.addEventListener("abort", onAbort);
  stream._onFinish = () => {
    core._onEnd.splice(core._onEnd.indexOf(onEnd), 1);
    signal?.removeEventListener("abort", onAbort);
  };
  start();
  return stream;
}

/** Returns the usual name of the method that ends a subscription. @internal */
export function unsubscribeName(method: string): string {
  return method.replace(/[^./]*$/, "unsubscribe_$&");
}
