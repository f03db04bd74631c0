/** Pages that run for long. */

import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

/**
 * How much the heap may grow for each thing that goes by. The smallest object has 12 bytes, and what refers to it 4
 * more, so it grows by more if each leaves anything behind.
 */
const EACH = 16;

/** What was cancelled or is not acknowledged yet goes in its time: a deadline is 30 s. */
const SETTLED = 40_000;

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start(["--sessions"]);
  tab = await setting.open();
  await tab.run((url) => app.stay(url, { handlers: { bounce: () => 0 } }).up(), setting.url);
});
after(() => setting.stop());

type Pass = (count: number) => Promise<unknown>;

/** Lets things go by, once the code for them has been compiled, and looks whether they leave anything behind. */
async function leavesNothing(context: TestContext, count: number, goBy: Pass): Promise<void> {
  await goBy(count / 5);
  const before = await tab.heap();
  const begun = performance.now();
  await goBy(count);
  const ended = performance.now();
  const measure = async (): Promise<number> => (await tab.heap()) - before;
  let grown = await measure();
  while (grown > EACH * count && performance.now() < ended + SETTLED) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    grown = await measure();
  }
  const rate = Math.round(count / ((ended - begun) / 1000));
  context.diagnostic(`${count}, ${rate} a second: the heap of ${before} bytes has grown by ${grown}`);
  assert.ok(grown <= EACH * count, `the heap has grown by ${grown} bytes`);
}

test("1,000 items a second for a while leave nothing behind", (context) =>
  leavesNothing(context, 30_000, (items) =>
    tab.run(async (items) => {
      const read = async (): Promise<void> => {
        let next = 0;
        for await (const tick of rpc.subscribe<number>(app.client, "ticks", [0, 1])) {
          if (tick !== next++) throw new Error(`${tick} is out of order`);
          if (next === items / 3) return;
        }
      };
      // The server's timers ring about each two milliseconds.
      await Promise.all([read(), read(), read()]);
    }, items),
  ));

test("the items that a page sends leave nothing behind", (context) =>
  leavesNothing(context, 30_000, (items) =>
    tab.run(async (items) => {
      async function* numbers(): AsyncGenerator<number> {
        for (let n = 1; n <= items; n++) yield n;
      }
      const sum = await app.client.call<number>("sum", [rpc.sendStream(numbers())]);
      if (sum !== (items * (items + 1)) / 2) throw new Error(`the sum is ${sum}`);
    }, items),
  ));

test("calls both ways leave nothing behind", (context) =>
  leavesNothing(context, 5_000, (calls) =>
    tab.run(async (calls) => {
      for (let n = 0; n < calls; n++) await app.client.call("bounce", [1]);
    }, calls),
  ));
