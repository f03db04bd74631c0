/** A page that shows a value, as it changes. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import type * as all from "../../src/index.js";
import { connect } from "../../src/index.js";
import { Proxy } from "../support/reference.js";
import { Publisher, type Table } from "./support/publisher.js";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

const ROWS = 200;

/** How much the heap may grow for each change that goes by, and at most: see the test of the heap. */
const EACH = 16;
const FLAT = 1 << 20;

/** How long a page watches while its heap is looked at, and how long one is hidden. */
const HEAP_SECONDS = 60 * Number(process.env["HEAP_MINUTES"] ?? 1 / 3);
const HIDDEN_SECONDS = 60 * Number(process.env["HIDDEN_MINUTES"] ?? 1 / 6);

let setting: Setting;
let publisher: Publisher;
/** Between pages and the publisher. */
let proxy: Proxy;

before(async () => {
  setting = await Setting.start(
    ["--sessions"],
    // Timers of hidden tabs are throttled in earnest at once, and not only after five minutes.
    ["--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"],
  );
  publisher = await Publisher.start(ROWS);
  proxy = await Proxy.start(publisher.url);
  setting.site.connects.push(proxy.url);
});
after(async () => {
  await setting.stop();
  await proxy.stop();
  await publisher.stop();
});

/** Opens a page that shows the table: of each new value, the rows that are other objects than before. */
async function open(throttle: number, url = proxy.url): Promise<Tab> {
  const tab = await setting.open();
  await tab.run(
    async (url, throttle) => {
      const client = app.stay(url, { minDelay: 10, maxDelay: 50 });
      await client.up();
      const values = rpc.watch(rpc.subscribe<all.LiveChange<Table>>(client, "table"), { throttle });
      const body = document.body.appendChild(document.createElement("table")).createTBody();
      let shown: Table["rows"] = [];
      const show = async (): Promise<string> => {
        for await (const { rows } of values) {
          rows.forEach((row, at) => {
            if (row === shown[at]) return;
            const line = body.rows[at] ?? body.insertRow();
            [row.name, row.load, row.jobs].forEach((cell, place) => {
              (line.cells[place] ?? line.insertCell()).textContent = String(cell);
            });
          });
          while (body.rows.length > rows.length) body.deleteRow(-1);
          shown = rows;
          app.items.length = 0;
          app.items.push(values.value);
        }
        return "ended";
      };
      app.calls.push(show());
      await new Promise<void>((shown) => {
        const look = (): unknown => (body.rows.length > 0 ? shown() : setTimeout(look, 10));
        look();
      });
    },
    url,
    throttle,
  );
  return tab;
}

/** The tab shows the publisher's value, in the end. */
async function shows(tab: Tab, { live } = publisher): Promise<void> {
  await tab.until((changes) => (app.items[0] as Table).changes === changes, live.value.changes);
  assert.deepEqual(await tab.run(() => app.items[0]), live.value);
  const cells = await tab.run(() =>
    [...document.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
  const expected = live.value.rows.map(({ name, load, jobs }) => [name, String(load), String(jobs)]);
  assert.deepEqual(cells, expected);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Returns for how many seconds scripts of the page have run. */
async function scriptTime(tab: Tab): Promise<number> {
  const { metrics } = await tab.devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "ScriptDuration")!.value;
}

test("a page shows 200 rows of which 1,000 change in a second, and nothing is left behind", async (context) => {
  const tab = await open(16);
  await publisher.change(2_000, 1_000);
  await shows(tab);
  const heap = await tab.heap();
  await tab.run(() => {
    const frames = { count: 0, longest: 0, last: performance.now() };
    Object.assign(globalThis, { frames });
    const frame = (): void => {
      const now = performance.now();
      frames.count++;
      frames.longest = Math.max(frames.longest, now - frames.last);
      frames.last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await tab.devtools.send("Performance.enable");
  const script = await scriptTime(tab);
  const begun = performance.now();
  const changes = 1_000 * HEAP_SECONDS;
  await publisher.change(changes, 1_000);
  const { count, longest } = await tab.run(() => (globalThis as unknown as { frames: any }).frames);
  const seconds = (performance.now() - begun) / 1_000;
  const share = Math.round(((await scriptTime(tab)) - script) / seconds / 0.01);
  await shows(tab);
  const grown = (await tab.heap()) - heap;
  const rates = `${Math.round(changes / seconds)} changes and ${(count / seconds).toFixed(1)} frames a second`;
  context.diagnostic(`${rates}, the longest of ${longest.toFixed()} ms; ${share} % of the time is that of scripts`);
  context.diagnostic(`the heap of ${heap} bytes has grown by ${grown}`);
  assert.ok(grown <= Math.min(EACH * changes, FLAT), `the heap has grown by ${grown} bytes`);
  await tab.page.close();
});

test("tabs that come late, are hidden, or lose their link show the same in the end", async () => {
  const first = await open(50);
  await publisher.change(500, 1_000);
  const second = await open(50); // before the first one, which is hidden from now on
  await first.until(() => document.visibilityState === "hidden");
  await publisher.change(2_000, 1_000);
  await shows(first);
  await shows(second);
  const changing = publisher.change(2_000, 1_000);
  proxy.cut();
  const third = await open(0);
  await second.until(() => app.client.state.is === "fresh" || app.client.state.is === "up");
  await changing;
  for (const tab of [first, second, third]) {
    await shows(tab);
    await tab.page.close();
  }
});

test("two tabs watch one value, and one that is closed leaves its publisher", async () => {
  const tabs = [await open(0), await open(50)];
  assert.equal(publisher.live.watchers, 2);
  await publisher.change(1_000, 1_000);
  for (const tab of tabs) await shows(tab);
  await tabs[0]!.page.close();
  while (publisher.live.watchers > 1) await pause(10);
  await publisher.change(100, 1_000);
  await shows(tabs[1]!);
  await tabs[1]!.page.close();
});

test("a page that was hidden for long shows the newest value as soon as it is seen", async (context) => {
  const tab = await open(100);
  const other = await setting.chromium.open(`${setting.site.url}/elsewhere`);
  await tab.until(() => document.visibilityState === "hidden");
  await publisher.change(1_000 * HIDDEN_SECONDS, 1_000);
  await tab.run((changes) => {
    const look = (): boolean => (app.items[0] as Table | undefined)?.changes === changes;
    const seen = new Promise<number>((resolve, reject) => {
      addEventListener("visibilitychange", () => {
        const begun = performance.now();
        // Timers of a page that is seen ring in time.
        const late = setTimeout(() => reject(new Error("an old value is shown")), 10_000);
        const again = (): unknown => {
          if (!look()) return setTimeout(again, 1);
          clearTimeout(late);
          return resolve(performance.now() - begun);
        };
        again();
      });
    });
    app.calls.push(seen);
  }, publisher.live.value.changes);
  await tab.page.bringToFront();
  const ms = await tab.run(() => app.calls.at(-1) as Promise<number>);
  context.diagnostic(`hidden for ${HIDDEN_SECONDS} s, the newest value after ${ms.toFixed(1)} ms`);
  await shows(tab);
  assert.ok(await tab.run(() => app.isWhole));
  await other.page.close();
  await tab.page.close();
});

test("the end of a publisher is the end of the loop in each page, behind the latest value", async () => {
  const ending = await Publisher.start(ROWS);
  setting.site.connects.push(ending.url);
  const [first, second] = [await open(0, ending.url), await open(1_000, ending.url)];
  await ending.change(500, 1_000);
  ending.live.close();
  for (const tab of [first, second]) {
    assert.equal(await tab.run(() => app.calls[0]), "ended");
    await shows(tab, ending);
    assert.equal(await tab.run(() => app.client.state.is), "up");
    await tab.page.close();
  }
  // Who comes late sees the latest value, too.
  const late = await open(0, ending.url);
  assert.equal(await late.run(() => app.calls[0]), "ended");
  await shows(late, ending);
  await late.page.close();
  await ending.stop();
});

test("a publisher that is gone is waited for, and its successor's value is shown", async () => {
  const before = await Publisher.start(ROWS);
  setting.site.connects.push(before.url);
  const tab = await open(20, before.url);
  await before.change(100, 1_000);
  await shows(tab, before);
  await before.stop();
  await tab.until(() => app.client.state.is !== "up");
  await shows(tab, before);
  const next = await Publisher.start(ROWS / 2, new URL(before.url).port);
  await next.change(10, 1_000);
  await shows(tab, next);
  await tab.page.close();
  await next.stop();
});

test("a value of the server goes on over a break of the link, and is another one after that of the session", async () => {
  const tab = await setting.open();
  await tab.run(async (url) => {
    const client = app.stay(url, { minDelay: 10, maxDelay: 50 });
    await client.up();
    const values = rpc.watch(rpc.subscribe<all.LiveChange<object>>(client, "counters"), { throttle: 20 });
    const show = async (): Promise<void> => {
      for await (const value of values) app.items.push(value);
    };
    app.calls.push(show());
  }, setting.url);
  const shows = (value: object): Promise<void> =>
    tab.until((value) => JSON.stringify(app.items.at(-1)) === value, JSON.stringify(value));
  await shows({});
  await setting.observer.call("incr", ["before"]);
  await shows({ before: 1 });
  setting.proxy.cut();
  for (let count = 0; count < 3; count++) await setting.observer.call("incr", ["within"]);
  await shows({ before: 1, within: 3 });
  assert.ok(await tab.run(() => app.isWhole));
  // Another server knows neither the session nor the counters.
  await setting.restart();
  await tab.until(() => app.client.state.is === "fresh");
  const observer = await connect(setting.server.url, { WebSocket });
  await observer.call("incr", ["after"]);
  await shows({ after: 1 });
  observer.close();
  await tab.page.close();
});
