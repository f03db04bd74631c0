/**
 * What a call leaves behind. A `Map` or `Set` in which each call enters and leaves keeps all of them alive: each table
 * that it outgrew points to the next one, so that one such table in the old part of the heap holds all behind it, until
 * the heap as a whole is looked through.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const PROGRAM = `
  import { overLink } from "./dist/index.js";

  class End {
    listen(events) {
      this.events = events;
    }
    send(message) {
      queueMicrotask(() => this.other.events.message(message));
    }
    backlog() {
      return 0;
    }
    close() {}
  }
  const [left, right] = [new End(), new End()];
  left.other = right;
  right.other = left;
  overLink(right, { handlers: { add: (a, b) => a + b } });
  const peer = overLink(left);
  const calls = async () => {
    for (let n = 0; n < 40; n++) await peer.call("add", [n, 1]);
  };
  /** Makes calls, and returns what lives behind them as far as only the young part of the heap is looked through. */
  const used = async () => {
    await Promise.all(Array.from({ length: 256 }, calls));
    gc({ type: "minor" });
    return process.memoryUsage().heapUsed;
  };
  await used();
  gc();
  const before = await used();
  let most = 0;
  for (let round = 0; round < 4; round++) most = Math.max(most, await used());
  console.log((most - before) / (4 * 256 * 40));
  process.exit();
`;

test("calls that have ended, here and there, are freed at once", (context) => {
  const words = ["--expose-gc", "--input-type=module", "--eval", PROGRAM];
  const perCall = Number(execFileSync(process.execPath, words, { encoding: "utf8" }));
  context.diagnostic(`${perCall} bytes for each call`);
  assert.ok(perCall < 150, `${perCall} bytes for each call`);
});
