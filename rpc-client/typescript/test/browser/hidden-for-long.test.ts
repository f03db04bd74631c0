/**
 * A tab that was hidden for so long that its timers are throttled in earnest.
 *
 * Timers that set the next one ring once a minute there, those that a message has set once a second.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

/** The server ends a session in which it was sent no acknowledgement for so long. A client sends it after 5 s. */
const ACK_WITHIN = 14_000;

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start(
    ["--sessions", "--limit", `ack_within=${ACK_WITHIN}ms`],
    // Without this, five minutes.
    ["--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"],
  );
  tab = await setting.open();
  await tab.run(async (url) => {
    await app.stay(url, { features: [rpc.liveness({ deadAfter: 2_000 })] }).up();
    setInterval(() => app.items.push("ring"), 100);
  }, setting.url);
  await setting.chromium.open(`${setting.site.url}/elsewhere`);
  for (let rings = Infinity; rings > 2;) {
    rings = await tab.run(async () => {
      const before = app.items.length;
      await app.client.call("sleep", [5_000]);
      return app.items.length - before;
    });
  }
});
after(() => setting.stop());

test("what has come is acknowledged in time", async () => {
  await tab.run(() => app.client.call("incr", ["once"]));
  await new Promise((resolve) => setTimeout(resolve, ACK_WITHIN + 2_000));
  assert.ok(await tab.run(() => app.isWhole));
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: false });
});

test("calls fail when their time has run out", async () => {
  const first = await tab.run(() => {
    const late = app.client
      .call("sleep", [60_000], { timeout: 2_000 })
      .catch((error: unknown) => (error as Error).name);
    return Promise.race([late, app.client.call("sleep", [10_000])]);
  });
  assert.equal(first, "TimeoutError");
});

test("a link that is cut is replaced, and the session goes on", async () => {
  await tab.run(() => void app.calls.push(app.client.call("sleep", [1_000])));
  await tab.run(() => app.client.call("add", [1, 1]));
  setting.proxy.cut();
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
  assert.ok(await tab.run(() => app.isWhole));
});
