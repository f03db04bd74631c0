/** A page whose policy allows as little as there is. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start(["--sessions"]);
  tab = await setting.open();
});
after(() => setting.stop());

test("a strict Content-Security-Policy lets all of the package work", async () => {
  const told = await tab.run(async (url) => {
    const client = app.stay(url, { features: [rpc.liveness(), rpc.batchAnswers] });
    const batch = new rpc.Batch(client);
    const sum = batch.call("add", [1, 2]);
    batch.send();
    const sent = await client.call("sum", [rpc.sendStream([1, 2, 3])]);
    const items: number[] = [];
    for await (const tick of rpc.subscribe<number>(client, "ticks", [3, 0])) items.push(tick);
    const big = await client.call("echo", [2n ** 60n], { json: rpc.exactJson });
    return { sum: await sum, sent, items, big: `${big}`, violations: app.violations };
  }, setting.url);
  assert.deepEqual(told, { sum: 3, sent: 6, items: [0, 1, 2], big: `${2n ** 60n}`, violations: [] });
});

test("a server that the policy does not allow is an error, not an exception of the page", async () => {
  const told = await tab.run(async () => {
    const refused = await rpc.connect("ws://127.0.0.1:9").catch((error: unknown) => error);
    return { isConnectError: refused instanceof rpc.ConnectError, violations: app.violations };
  });
  assert.deepEqual(told, { isConnectError: true, violations: ["connect-src ws://127.0.0.1:9/"] });
});
