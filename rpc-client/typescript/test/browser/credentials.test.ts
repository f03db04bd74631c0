/** What a page shows to be let in. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Setting } from "./support/setting.js";

let setting: Setting;

before(async () => {
  setting = await Setting.start(["--sessions"]);
});
after(() => setting.stop());

test("the page is asked for its credentials at every attempt, and a used one is never shown again", async () => {
  const tab = await setting.open();
  await tab.run(async (url) => {
    const ticket = async (): Promise<string> => (await fetch("/ticket")).text();
    const client = app.stay(async () => `${url}/?ticket=${await ticket()}`, { minDelay: 10, maxDelay: 50 });
    await client.call("incr", ["in"]);
    app.calls.push(client.call("sleep", [1_000], { timeout: 60_000 }));
    await client.call("add", [1, 1]);
  }, setting.url);
  setting.proxy.refuses = true;
  setting.proxy.cut();
  await tab.until(() => app.states.some((state) => state.is === "away" && state.attempt > 2));
  setting.proxy.refuses = false;
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
  const tickets = setting.proxy.targets.map((target) =>
    Number(new URL(target, setting.url).searchParams.get("ticket")),
  );
  assert.equal(tickets[0], 1);
  assert.ok(tickets.at(-1)! >= 3, "attempts that failed have used their tickets");
  assert.equal(new Set(tickets).size, tickets.length);
});

test("credentials that cannot be had for a while cost no session", async () => {
  const tab = await setting.open();
  await tab.run(async (url) => {
    let asked = 0;
    const credentials = async (): Promise<string> => {
      // Longer than the client would try with its token if it were the token that keeps it out.
      if (++asked > 1 && asked < 8) throw new Error("no ticket");
      return url;
    };
    const client = app.stay(credentials, { minDelay: 10, maxDelay: 50 });
    await client.call("incr", ["in"]);
    app.calls.push(client.call("sleep", [1_000], { timeout: 60_000 }));
    await client.call("add", [1, 1]);
  }, setting.url);
  setting.proxy.cut();
  assert.equal(await tab.run(() => app.calls[0]!), 1_000);
  assert.deepEqual(await tab.run(() => app.client.state), { is: "up", resumed: true });
});
