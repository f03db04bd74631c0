/** Several tabs of one browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Setting } from "./support/setting.js";
import { Tab } from "./support/tab.js";

let setting: Setting;

before(async () => {
  setting = await Setting.start(["--sessions"]);
});
after(() => setting.stop());

async function begin(tab: Tab, name: string): Promise<void> {
  await tab.run(
    async (url, name) => {
      const client = app.stay(url, { minDelay: 10, maxDelay: 50 });
      await client.call("join", ["tabs"]);
      client.notify("note", [name]);
      app.calls.push(client.call("sleep", [1_000], { timeout: 60_000 }));
      await client.call("add", [1, 1]);
    },
    setting.url,
    name,
  );
}

/** The tab's own session goes on, over links that were cut. */
async function goesOn(tab: Tab, name: string): Promise<void> {
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.client.call<string[]>("notes")), [name]);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
  assert.ok(await tab.run(() => app.isWhole));
}

async function members(): Promise<number> {
  return (await setting.observer.call<string[]>("members", ["tabs"])).length;
}

test("two tabs have sessions of their own, and so has one that is a copy of the other", async () => {
  const first = await setting.open();
  await begin(first, "first");
  const second = await setting.open();
  await begin(second, "second");
  // Such a tab begins with a copy of what the first one keeps for its session in the browser.
  const opened = setting.chromium.context.waitForEvent("page");
  await first.run(() => void open("/"));
  const copy = await Tab.of(await opened);
  await copy.until(() => "app" in globalThis);
  await begin(copy, "copy");
  assert.equal(await members(), 3);
  setting.proxy.cut();
  await goesOn(first, "first");
  await goesOn(second, "second");
  await goesOn(copy, "copy");
  assert.equal(await members(), 3);
  for (const tab of [first, second, copy]) await tab.page.close();
});

test("nothing of a session is kept where another page could read it", async () => {
  const tab = await setting.open();
  await begin(tab, "first");
  const kept = await tab.run(async () => ({
    storage: [localStorage.length, sessionStorage.length],
    databases: await indexedDB.databases(),
    cookies: document.cookie,
    name: window.name,
    address: location.href,
    history: history.state as unknown,
  }));
  const address = `${setting.site.url}/`;
  assert.deepEqual(kept, { storage: [0, 0], databases: [], cookies: "", name: "", address, history: null });
  await tab.page.close();
});

test("a tab that is closed or loaded anew leaves at once, though its session could be kept", async () => {
  const tab = await setting.open();
  for (const leave of [() => tab.page.reload(), () => tab.page.close()]) {
    await begin(tab, "leaves");
    assert.equal(await members(), 1);
    await leave();
    while ((await members()) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
