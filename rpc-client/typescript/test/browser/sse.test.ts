/** Links over server-sent events and `POST`, whose requests go to another origin than that of the page. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type * as all from "../../src/index.js";
import { Narrow } from "../support/narrow.js";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

/** How many connections Chromium has to one host over HTTP/1.1, for all tabs. */
const CONNECTIONS = 6;

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start(["--sessions", "--sse"]);
});
beforeEach(async () => {
  tab = await setting.open();
});
afterEach(() => tab.page.close());
after(() => setting.stop());

async function members(room: string): Promise<number> {
  return (await setting.observer.call<string[]>("members", [room])).length;
}

test("both ends call, and streams and progress come", async () => {
  const told = await tab.run(async (url) => {
    const ticks: number[] = [];
    // A header that the browser asks the server about.
    const link = await rpc.sse(url, { headers: { "X-User": "ada" } })({ protocols: [] });
    const peer: all.Peer = rpc.overLink(link, {
      handlers: {
        tick: (n: number) => void ticks.push(n),
        bounce: async (depth: number) => (depth ? 1 + (await peer.call<number>("bounce", [depth - 1])) : 0),
      },
    });
    const depth = await peer.call("bounce", [20]);
    const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => peer.call<number>("add", [n, 1])));
    await peer.call("push", [100]);
    const heard = [...ticks];
    let next = 0;
    for await (const tick of rpc.subscribe<number>(peer, "ticks", [2_000, 0])) {
      if (tick !== next++) throw new Error(`${tick} is out of order`);
    }
    async function* numbers(): AsyncGenerator<number> {
      for (let n = 1; n <= 2_000; n++) yield n;
    }
    const sum = await peer.call("sum", [rpc.sendStream(numbers())]);
    const steps: unknown[] = [];
    await peer.call("build", [3], { onProgress: (step) => steps.push(step) });
    const big = (await peer.call<string>("echo", ["\u2028".repeat(100_000)])).length;
    peer.close();
    return { depth, sums, heard, next, sum, steps: steps.length, big, violations: app.violations };
  }, setting.url);
  assert.deepEqual(told, {
    depth: 20,
    sums: Array.from({ length: 500 }, (_, n) => n + 1),
    heard: Array.from({ length: 100 }, (_, n) => n),
    next: 2_000,
    sum: 2_001_000,
    steps: 3,
    big: 100_000,
    violations: [],
  });
});

// A browser sends a request anew, by itself, if a connection that it has kept breaks under the request.
test("what is cut is mended within the link, and calls run once", async () => {
  await tab.run(async (url) => {
    const client = app.stayOver(rpc.sse(url));
    // Its answer comes behind the hello of the server: a hello that was cut is not said again.
    await client.call("add", [1, 1]);
    const read = async (): Promise<void> => {
      for await (const tick of rpc.subscribe<number>(client, "ticks", [0, 5])) app.items.push(tick);
    };
    read().catch(() => {});
  }, setting.url);
  const cuts = 40;
  for (let cut = 0; cut < cuts; cut++) {
    await tab.run(() => {
      for (let n = 0; n < 5; n++) app.calls.push(app.client.call("incr", ["sse"], { timeout: 60_000 }));
    });
    setting.proxy.cut();
    const seen = await tab.run(() => app.items.length);
    await tab.until((seen) => app.items.length > seen, seen);
  }
  const told = await tab.run(async () => {
    const counts = (await Promise.all(app.calls)) as number[];
    return { counts: counts.sort((a, b) => a - b), items: app.items, states: app.states.map(({ is }) => is) };
  });
  assert.deepEqual(
    told.counts,
    Array.from({ length: 5 * cuts }, (_, n) => n + 1),
  );
  assert.deepEqual(
    told.items,
    told.items.map((_, n) => n),
  );
  assert.ok(!told.states.includes("away") && !told.states.includes("fresh"), `${told.states}`);
});

test("a page whose WebSocket is refused gets through, is called back, and knows it the next time", async () => {
  const narrow = await Narrow.start(setting.server.url);
  setting.site.connects.push(narrow.url);
  await tab.page.reload();
  const answers = await tab.run(async (url) => {
    const dial = rpc.webSocketOrSse(url);
    const answers: unknown[] = [];
    for (let n = 0; n < 2; n++) {
      const peer = rpc.overLink(await dial({ protocols: [] }), { handlers: { bounce: () => 41 } });
      answers.push(await peer.call("bounce", [2]));
      peer.close();
    }
    return answers;
  }, narrow.url);
  assert.deepEqual(answers, [42, 42]);
  assert.equal(narrow.upgrades, 1);
  await narrow.stop();
});

test("a tab that is closed or loaded anew leaves at once, though its session could be kept", async () => {
  for (const leave of [() => tab.page.reload(), () => tab.page.close()]) {
    await tab.run(async (url) => {
      await app.stayOver(rpc.sse(url)).call("join", ["sse"]);
    }, setting.url);
    assert.equal(await members("sse"), 1);
    await leave();
    while ((await members("sse")) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test("a page that is left and come back to has its session", async () => {
  await tab.run(async (url) => {
    const client = app.stayOver(rpc.sse(url), { minDelay: 10, maxDelay: 50 });
    client.notify("note", ["before"]);
    await client.call("add", [1, 1]);
  }, setting.url);
  await tab.page.click("a");
  await tab.until(() => !("app" in globalThis));
  await tab.run(() => history.back());
  await tab.until(() => "app" in globalThis && app.client.state.is === "up");
  assert.deepEqual(await tab.run(() => app.client.call<string[]>("notes")), ["before"]);
  assert.ok(await tab.run(() => app.isWhole));
});

/** Links that the tab has, which call and are called. Returns whether they all did. */
async function open(tab: Tab, count: number): Promise<number[]> {
  return tab.run(
    async (url, count) => {
      const answers: Promise<number>[] = [];
      for (let n = 0; n < count; n++) {
        const client = new rpc.Client(rpc.sse(url), { handlers: { bounce: () => n } });
        app.clients.push(client);
        await client.up();
      }
      // All at once, over the one connection that is left.
      for (const client of app.clients)
        for (let call = 0; call < 20; call++) answers.push(client.call<number>("bounce", [2]));
      return Promise.all(answers);
    },
    setting.url,
    count,
  );
}

test("five links of two tabs to one host share the connection that is left, and the sixth link takes it", async () => {
  const other = await setting.open();
  const expected = (links: number): number[] => Array.from({ length: 20 * links }, (_, n) => Math.floor(n / 20) + 1);
  assert.deepEqual(await open(tab, 3), expected(3));
  assert.deepEqual(await open(other, CONNECTIONS - 1 - 3), expected(2));
  assert.ok(setting.proxy.connections <= CONNECTIONS);

  const isAnswered = await other.run(async (url) => {
    const sixth = new rpc.Client(rpc.sse(url));
    app.clients.push(sixth);
    await sixth.up();
    const call = sixth.call("add", [1, 2], { timeout: 60_000 });
    app.calls.push(call);
    return Promise.race([call.then(() => true), new Promise((resolve) => setTimeout(resolve, 1_000, false))]);
  }, setting.url);
  assert.equal(isAnswered, false, "Chromium has more connections than it had");
  await tab.run(() => app.clients[0]!.close());
  assert.equal(await other.run(() => app.calls[0]!), 3);
  await other.page.close();
});

// The last one: the observer is gone with the server.
test("a server that has died is come back to", async () => {
  await tab.run(async (url) => {
    const client = app.stayOver(rpc.sse(url), { minDelay: 10, maxDelay: 50 });
    await client.up();
    app.calls.push(client.call("sleep", [60_000]).catch((error: unknown) => (error as { fate: string }).fate));
    await client.call("add", [1, 1]);
  }, setting.url);
  await setting.restart();
  assert.equal(await tab.run(() => app.calls[0]!), "MaybeExecuted");
  assert.deepEqual(await tab.run(() => app.client.state), { is: "fresh", calls: 1, notifications: 0 });
});
