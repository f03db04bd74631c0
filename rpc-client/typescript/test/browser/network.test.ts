/** Networks that break and fall silent. */

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
afterEach(() => tab.page.close());
after(() => setting.stop());

/** Connects, and begins a call that takes a while. Returns when the server has both. */
async function begin(deadAfter = 45_000): Promise<void> {
  await tab.run(
    async (url, deadAfter) => {
      const client = app.stay(url, { minDelay: 10, maxDelay: 50, features: [rpc.liveness({ deadAfter })] });
      await client.call("incr", ["before"]);
      app.calls.push(client.call("sleep", [1_000], { timeout: 60_000 }));
      // The server has this one behind the call, and the client its token.
      await client.call("add", [1, 1]);
    },
    setting.url,
    deadAfter,
  );
}

/** The call under way is answered, and nothing was lost with the link. */
async function isWhole(): Promise<void> {
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.ok(await tab.run(() => app.isWhole));
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
}

test("a cut is not seen by a call under way", async () => {
  await begin();
  setting.proxy.cut();
  await isWhole();
  assert.equal(await tab.run(() => document.getElementById("state")!.textContent), "up, session resumed");
});

test("calls run exactly once, and items come in their order, however often the network is cut", async () => {
  await tab.run(async (url) => {
    const client = app.stay(url, { minDelay: 1, maxDelay: 10 });
    await client.up();
    const read = async (): Promise<void> => {
      for await (const tick of rpc.subscribe<number>(client, "ticks", [0, 1])) app.items.push(tick);
    };
    read().catch(() => {});
  }, setting.url);
  let notes = 0;
  const cuts = 30;
  for (let cut = 0; cut < cuts; cut++) {
    const seen = await tab.run(async (first) => {
      for (let n = first; n < first + 10; n++) {
        app.client.notify("note", [`${n}`]);
        app.calls.push(app.client.call("incr", ["cuts"], { timeout: 60_000 }));
      }
      // Three links in a row on which nothing gets on are a reason to give the session up.
      if (first % 20 === 0) await app.client.call("add", [1, 1]);
      return app.states.length;
    }, notes);
    notes += 10;
    setting.proxy.cut();
    await tab.until((seen) => app.states.slice(seen).some(({ is }) => is === "away"), seen);
    await tab.run(() => app.client.reconnectNow()); // the server asks clients to take their time
  }
  const told = await tab.run(async () => {
    const counts = (await Promise.all(app.calls)) as number[];
    const notes = await app.client.call<string[]>("notes");
    return { counts: counts.sort((a, b) => a - b), notes, items: app.items, isWhole: app.isWhole };
  });
  const numbers = Array.from({ length: notes }, (_, n) => n);
  assert.deepEqual(
    told.counts,
    numbers.map((n) => n + 1),
  );
  assert.deepEqual(told.notes, numbers.map(String));
  assert.ok(told.items.length > 10);
  assert.deepEqual(
    told.items,
    told.items.map((_, n) => n),
  );
  assert.ok(told.isWhole);
});

test("a network that is away for many attempts costs no session", async () => {
  await begin();
  setting.proxy.refuses = true;
  setting.proxy.cut();
  await tab.until(() => app.states.some((state) => state.is === "away" && state.attempt > 10));
  const made = await tab.run(() => {
    app.calls.push(app.client.call("incr", ["away"], { timeout: 60_000 }));
    return app.client.state.is;
  });
  assert.equal(made, "away");
  setting.proxy.refuses = false;
  assert.equal(await tab.run(() => app.calls[1]!), 1);
  await isWhole();
});

test("a network that falls silent is found, and the session goes on", async () => {
  await begin(1_000);
  setting.proxy.stall();
  await isWhole();
});

test("a network that stays silent for a while costs no session", async () => {
  await begin(1_000);
  setting.proxy.stall();
  setting.proxy.isSilent = true;
  const before = setting.proxy.targets.length;
  await tab.until(() => app.client.state.is === "away");
  while (setting.proxy.targets.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
  setting.proxy.isSilent = false;
  setting.proxy.cut(); // it has another address now
  await isWhole();
});

test("a server that has died is come back to, and the page is told what was lost", async () => {
  await tab.run(async (url) => {
    const client = app.stay(url, { minDelay: 10, maxDelay: 50 });
    await client.up();
    app.calls.push(client.call("sleep", [60_000]).catch((error: unknown) => (error as { fate: string }).fate));
    app.calls.push(client.call("sleep", [1_000], { idempotencyKey: "once" }));
    await client.call("add", [1, 1]);
  }, setting.url);
  await setting.restart();
  assert.deepEqual(await tab.run(() => Promise.all(app.calls)), ["MaybeExecuted", 1_000]);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "fresh", calls: 1, notifications: 0 });
  assert.equal(
    await tab.run(() => document.getElementById("state")!.textContent),
    "up, fresh session: 1 calls and 0 notifications lost",
  );
});
