/** A browser that is offline, and online again. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start(["--sessions"]);
});
beforeEach(async () => {
  tab = await setting.open();
  await tab.run(async (url) => {
    addEventListener("offline", () => app.items.push("offline"));
    addEventListener("online", () => app.items.push("online"));
    // Nothing but an event brings it back.
    await app.stay(url, { minDelay: 1e9, maxDelay: 1e9 }).call("incr", ["before"]);
    app.calls.push(app.client.call("sleep", [1_000], { timeout: 60_000 }));
    await app.client.call("add", [1, 1]);
  }, setting.url);
});
afterEach(async () => {
  await setting.chromium.context.setOffline(false);
  await tab.page.close();
});
after(() => setting.stop());

test("a page that is online again comes back at once, and its session goes on", async () => {
  await setting.chromium.context.setOffline(true);
  setting.proxy.cut();
  await tab.until(() => app.items.includes("offline") && app.client.state.is === "away");
  assert.equal(await tab.run(() => navigator.onLine), false);
  await setting.chromium.context.setOffline(false);
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.items), ["offline", "online"]);
  assert.ok(await tab.run(() => app.isWhole));
});

test("a page that was told wrongly that it is offline loses nothing", async () => {
  await tab.run(() => dispatchEvent(new Event("offline")));
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: false });
});

test("a network that fell silent is found as soon as the page hears that it is offline", async () => {
  setting.proxy.stall();
  await tab.run(() => dispatchEvent(new Event("offline")));
  await tab.until(() => app.client.state.is === "away");
  await tab.run(() => dispatchEvent(new Event("online")));
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.ok(await tab.run(() => app.isWhole));
});
