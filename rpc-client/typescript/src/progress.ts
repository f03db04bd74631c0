/** Reports of progress to the caller of a handler. `onProgress` of a call is the other end of it. */

import type { Context } from "./context.js";
import { messageOf, notification } from "./core.js";
import { member } from "./raw.js";

/** Where a request may hold the token of its reports: ours, and those of other protocols. */
const TOKENS = [["progressToken"], ["params", "_meta", "progressToken"], ["params", "workDoneToken"]];

/** Tells the caller how far the work is, if it has asked to hear of that. */
export function report(context: Context, value: unknown): void {
  const { _core: core } = context.peer;
  const token = TOKENS.map((path) => member(context._text, ...path)).find((token) => token !== undefined);
  if (token === undefined || context._aborted) return;
  const params = `{"token":${token},"value":${core._write(value)}}`;
  // Only the last report matters, so one that finds no room may be lost.
  core._outbox._send(messageOf(notification("$/progress", params)));
}
