/** Timers, all of which are one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { alarm, disarm, ringIn } from "../src/timer.js";
import { generator } from "./support/random.js";

test("each alarm rings once if it is not stopped, in whatever order they are set and stopped", async () => {
  const random = generator(19);
  const rung: number[] = [];
  const alarms = Array.from({ length: 500 }, (_, n) => alarm(() => rung.push(n)));
  const expected = new Set<number>();
  for (let step = 0; step < 5_000; step++) {
    const n = random(alarms.length);
    if (random(2) === 0) {
      ringIn(alarms[n]!, 20 + random(20));
      expected.add(n);
    } else {
      disarm(alarms[n]!);
      expected.delete(n);
    }
  }
  // One that is due behind all others.
  await new Promise<void>((resolve) => ringIn(alarm(resolve), 60));
  assert.deepEqual(
    rung.sort((a, b) => a - b),
    [...expected].sort((a, b) => a - b),
  );
});

test("an alarm may stop those that are due with it", async () => {
  const rung: string[] = [];
  const pair = ["left", "right"].map((name, at) =>
    alarm(() => {
      rung.push(name);
      disarm(pair[1 - at]!);
    }),
  );
  for (const one of pair) ringIn(one, 1);
  const until = performance.now() + 5;
  while (performance.now() < until); // both are due when the timer looks
  await new Promise<void>((resolve) => ringIn(alarm(resolve), 10));
  assert.equal(rung.length, 1);
});
