/** Calls on behalf of a call. */

import { now } from "./timer.js";
import type { CallOptions } from "./call.js";
import type { Context } from "./context.js";

/** Returns options with which a call ends when the call of `context` does, and within what is left of its time. */
export function within(context: Context, options: CallOptions = {}): CallOptions {
  const { signal = context.signal, timeout = Infinity } = options;
  const left = Math.max(context.deadline - now(), 0);
  const both = signal === context.signal ? signal : AbortSignal.any([signal, context.signal]);
  return { ...options, signal: both, ...(left < timeout && { timeout: left }) };
}
