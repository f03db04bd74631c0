/** Tabs that are hidden, frozen, left, and come back to. */

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
});
afterEach(async () => {
  // But for the first one, without which the browser would end.
  for (const page of setting.chromium.context.pages().slice(1)) await page.close();
});
after(() => setting.stop());

/** Connects, begins a call that takes a while, and hears a tick now and then. */
async function begin(ms: number, deadAfter = 45_000, every = 10): Promise<void> {
  await tab.run(
    async (url, ms, deadAfter, every) => {
      const client = app.stay(url, { minDelay: 10, maxDelay: 50, features: [rpc.liveness({ deadAfter })] });
      await client.up();
      const read = async (): Promise<void> => {
        for await (const tick of rpc.subscribe<number>(client, "ticks", [0, every])) app.items.push(tick);
      };
      read().catch(() => {});
      app.calls.push(client.call("sleep", [ms], { timeout: 60_000 }));
      await client.call("add", [1, 1]);
    },
    setting.url,
    ms,
    deadAfter,
    every,
  );
}

/** Answered, and nothing was lost. */
async function isWhole(answer: number): Promise<void> {
  assert.equal(await tab.run(() => app.calls[0]!), answer);
  const seen = await tab.run(() => app.items.length);
  await tab.until((seen) => app.items.length > seen, seen);
  const items = await tab.run(() => app.items);
  assert.deepEqual(
    items,
    items.map((_, n) => n),
  );
  assert.ok(await tab.run(() => app.isWhole));
}

/** Puts another tab before this one. */
async function hide(): Promise<void> {
  const other = await setting.chromium.open(`${setting.site.url}/elsewhere`);
  await other.page.bringToFront();
  await tab.until(() => document.visibilityState === "hidden");
}

/** Returns how often a timer of 10 ms rings in the two seconds of a server. */
function rings(): Promise<number> {
  return tab.run(async () => {
    let rings = 0;
    const counting = setInterval(() => rings++, 10);
    await app.client.call("sleep", [2_000]);
    clearInterval(counting);
    return rings;
  });
}

test("a hidden tab with throttled timers stays alive", async () => {
  await begin(3_000, 400, 2_500);
  await hide();
  assert.ok((await rings()) < 20, "its timers are throttled");
  await isWhole(3_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: false });
});

test("a hidden tab comes back by itself when its link is cut", async () => {
  await begin(1_000);
  await hide();
  setting.proxy.cut();
  await isWhole(1_000);
  assert.equal(await tab.run(() => document.visibilityState), "hidden");
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
});

test("a hidden tab finds that its network fell silent", async () => {
  await begin(1_000, 1_000);
  await hide();
  setting.proxy.stall();
  await isWhole(1_000);
  assert.equal(await tab.run(() => document.visibilityState), "hidden");
});

test("a tab that is shown again notices at once that its network fell silent", async () => {
  await begin(1_000);
  await hide();
  setting.proxy.stall();
  await tab.page.bringToFront();
  await tab.until(() => document.visibilityState === "visible");
  await isWhole(1_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
});

async function freeze(): Promise<void> {
  await tab.run(() => {
    document.addEventListener("freeze", () => app.items.push("frozen"), { once: true });
  });
  await tab.devtools.send("Page.setWebLifecycleState", { state: "frozen" });
}

async function thaw(): Promise<void> {
  await tab.devtools.send("Page.setWebLifecycleState", { state: "active" });
  await tab.page.bringToFront();
  const [frozen] = await tab.run(() => {
    const at = app.items.indexOf("frozen");
    return at < 0 ? [] : app.items.splice(at, 1);
  });
  assert.equal(frozen, "frozen");
}

test("a frozen tab goes on where it was when it is thawed", async () => {
  await begin(500);
  await freeze();
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // the call ends meanwhile
  await thaw();
  await isWhole(500);
});

test("a page that is left is kept by the browser, and goes on with its session when the user comes back", async () => {
  await begin(1_000);
  await tab.run(() => {
    addEventListener("pageshow", ({ persisted }) => app.calls.push(Promise.resolve(persisted)));
    document.querySelector("a")!.click();
  });
  await tab.until(() => location.pathname === "/elsewhere");
  await tab.run(() => history.back());
  await tab.until(() => location.pathname === "/" && "app" in globalThis);
  await isWhole(1_000);
  assert.equal(await tab.run(() => app.calls[1]!), true, "it is the page that was left");
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
});
