/** Subscriptions of this end. */

import { Call, type CallOptions, type Params } from "../call.js";
import { CallError } from "../errors.js";
import type { Peer } from "../peer.js";
import { slot } from "../slot.js";
import { cancelledError, incoming, Incoming, type StreamOptions } from "./incoming.js";

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
  const { core, isFirst } = peer;
  const unsubscribe = options.unsubscribe ?? unsubscribeName(method);
  const { signal, renew = true } = options;
  slot(core, incoming);
  const stop = (id: unknown, isNegotiated: boolean): void => {
    if (isNegotiated) return core.post("stop", { subscription: id });
    core.outbox.send(new Call(core, unsubscribe, [id], {}, () => {}), true);
  };
  const stream = new Incoming<T>(core, options, stop);
  let call: Call;
  const start = (): void => {
    const settle = (error: Error | undefined, id?: unknown): void => {
      const isOfSession = error instanceof CallError && error.failure === "closed" && !core.end;
      if (isOfSession && stream.hasBegun && renew)
        start(); // another session has ended meanwhile
      else if (error) stream.finish(error, true);
      else if (typeof id === "string" || typeof id === "number") stream.begin(id, !!core.greeting && core.isGreeted);
      else stream.finish(new CallError("unreadable", "MaybeExecuted", "the answer is no id of a subscription"), true);
    };
    call = new Call(core, method, params, { ...options, signal: undefined, json: undefined }, settle);
    // What goes with the call goes on as long as the stream that it answers.
    const { stream: argument } = call;
    if (argument) {
      call.stream = { sent: () => argument.sent(), end: () => {} };
      const { onFinish } = stream;
      stream.onFinish = () => {
        onFinish?.();
        argument.end();
      };
    }
    core.start(call, isFirst);
  };
  /** Begins the stream anew when its session has ended. */
  const onEnd = (_: unknown, renews: boolean): void => {
    if (!renews || !renew || isFirst || stream.isFinished || !call.isDone || call.stream) return;
    stream.interrupt();
    start();
  };
  core.onEnd.unshift(onEnd);
  stream.onFinish = () => core.onEnd.splice(core.onEnd.indexOf(onEnd), 1);
  signal?.addEventListener("abort", () => {
    call.fail("cancelled", signal.reason);
    stream.finish(cancelledError(signal));
  });
  start();
  return stream;
}

/** Returns the usual name of the method that ends a subscription. @internal */
export function unsubscribeName(method: string): string {
  return method.replace(/[^./]*$/, "unsubscribe_$&");
}
