/** Reports of progress to the caller of a handler. `onProgress` of a call is the other end of it. */

import type { Context } from "./context.js";
import { member } from "./raw.js";

/** Where a request may hold the token of its reports: ours, and those of other protocols. */
const TOKENS = [["progressToken"], ["params", "_meta", "progressToken"], ["params", "workDoneToken"]];

/** Tells the caller how far the work is, if it has asked to hear of that. */
export function report(context: Context, value: unknown): void {
  const { core } = context.peer;
  const token = TOKENS.map((path) => member(context.text, ...path)).find((token) => token !== undefined);
  if (token === undefined || context.signal.aborted) return;
  const params = `{"token":${token},"value":${core.json.stringify(value) ?? "null"}}`;
  const text = `{"jsonrpc":"2.0","method":"$/progress","params":${params}}`;
  // Only the last report matters, so one that finds no room may be lost.
  core.outbox.send({ size: text.length, leave: () => text });
}
