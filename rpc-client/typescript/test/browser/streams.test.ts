/** Streams, both ways. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start();
  tab = await setting.open();
});
after(() => setting.stop());

test("a subscription is a loop over all items, in their order", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    let next = 0;
    for await (const tick of rpc.subscribe<number>(peer, "ticks", [50_000, 0])) {
      if (tick !== next++) throw new Error(`${tick} is out of order`);
    }
    peer.close();
    return next;
  }, setting.url);
  assert.equal(told, 50_000);
});

test("a loop that is left ends the subscription at the server", async () => {
  await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    for await (const tick of rpc.subscribe<number>(peer, "ticks", [0, 0])) if (tick === 5_000) break;
    // The answer comes behind the end of the subscription.
    await peer.call("add", [1, 1]);
    app.calls.push(peer.call<{ subscriptions: number }>("stats").then(({ subscriptions }) => subscriptions));
  }, setting.url);
  assert.equal(await tab.run(() => app.calls.at(-1)!), 0);
});

test("a page sends a stream with a call", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    async function* numbers(count: number): AsyncGenerator<number> {
      for (let n = 1; n <= count; n++) yield n;
    }
    const sum = await peer.call<number>("sum", [rpc.sendStream(numbers(20_000))]);
    const refused = await peer.call("sum", [rpc.sendStream(["no number"])]).catch((error: unknown) => error);
    peer.close();
    return { sum, code: (refused as { code: number }).code };
  }, setting.url);
  assert.deepEqual(told, { sum: (20_000 * 20_001) / 2, code: -32602 });
});

test("streams go both ways at once", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    async function* numbers(): AsyncGenerator<number> {
      for await (const tick of rpc.subscribe<number>(peer, "ticks", [20_000, 0])) yield tick;
    }
    const sum = await peer.call<number>("sum", [rpc.sendStream(numbers())]);
    peer.close();
    return sum;
  }, setting.url);
  assert.equal(told, (20_000 * 19_999) / 2);
});
