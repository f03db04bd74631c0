/** Calls, both ways. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type * as all from "../../src/index.js";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

let setting: Setting;
let tab: Tab;

before(async () => {
  setting = await Setting.start();
  tab = await setting.open();
});
after(() => setting.stop());

test("a page calls the server", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    const sums = await Promise.all(Array.from({ length: 1_000 }, (_, n) => peer.call<number>("add", [n, 1])));
    const greeting = await peer.call<string>("greet", { name: "Ada" });
    peer.close();
    return { sums, greeting };
  }, setting.url);
  assert.deepEqual(
    told.sums,
    Array.from({ length: 1_000 }, (_, n) => n + 1),
  );
  assert.equal(told.greeting, "hello, Ada");
});

test("the server calls the page inside of a call of the page", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url, {
      handlers: {
        "chatter.confirm": async (question: string) => question === "really?",
        bounce: rpc.method(["depth"], async (depth: number, context: all.Context) =>
          depth === 0 ? 0 : (await context.peer.call<number>("bounce", [depth - 1], rpc.within(context))) + 1,
        ),
      },
    });
    const isConfirmed = await peer.call("call_back", ["chatter.confirm", ["really?"]]);
    const depth = await peer.call("bounce", [50]);
    peer.close();
    return { isConfirmed, depth };
  }, setting.url);
  assert.deepEqual(told, { isConfirmed: true, depth: 50 });
});

test("errors of either end have their code and data, and no text of an exception", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url, {
      handlers: {
        fails: () => {
          throw new rpc.RpcError(77, "no", { why: 1 });
        },
        breaks: () => {
          throw new Error("secret");
        },
      },
      onError: () => {},
    });
    const errors: unknown[] = [];
    const calls: [method: string, params: unknown[]][] = [
      ["typed_fail", [7]],
      ["panic", []],
      ["nothing", []],
      ["call_back", ["fails"]],
      ["call_back", ["breaks"]],
      ["call_back", ["__proto__"]],
    ];
    for (const [method, params] of calls) {
      await peer.call(method, params).catch((error: unknown) => {
        if (!(error instanceof rpc.RpcError)) throw error;
        errors.push([error.code, error.message, error.data]);
      });
    }
    peer.close();
    return errors;
  }, setting.url);
  assert.deepEqual(told, [
    [1001, "full: there are 7", { max: 7 }],
    [-32603, "internal error", null],
    [-32601, "no method `nothing`", null],
    [77, "no", { why: 1 }],
    [-32603, "internal error", null],
    [-32601, "no method `__proto__`", null],
  ]);
});

test("notifications arrive in their order, and before what follows", async () => {
  const told = await tab.run(async (url) => {
    const ticks: number[] = [];
    const peer = await rpc.connect(url, { handlers: { tick: (n: number) => void ticks.push(n) } });
    for (let n = 0; n < 100; n++) peer.notify("note", [`${n}`]);
    const notes = await peer.call<string[]>("notes");
    const pushed = await peer.call<number>("push", [100]);
    const heard = [...ticks];
    peer.close();
    return { notes, pushed, heard };
  }, setting.url);
  const numbers = Array.from({ length: 100 }, (_, n) => n);
  assert.deepEqual(told, { notes: numbers.map(String), pushed: 100, heard: numbers });
});

test("a batch is answered, whatever becomes of its members", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    const batch = new rpc.Batch(peer);
    const calls = Array.from({ length: 250 }, (_, n) => batch.call<number>("add", [n, n]));
    calls.push(batch.call("typed_fail", [1]));
    batch.notify("note", ["in a batch"]);
    batch.send();
    const results = await Promise.allSettled(calls);
    const notes = await peer.call("notes");
    peer.close();
    return { results: results.map((result) => (result.status === "fulfilled" ? result.value : "failed")), notes };
  }, setting.url);
  const sums = Array.from({ length: 250 }, (_, n) => 2 * n);
  assert.deepEqual(told, { results: [...sums, "failed"], notes: ["in a batch"] });
});

test("a call that is aborted stops at the server", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    const before = await peer.call<number>("slept");
    const aborts = new AbortController();
    const call = peer.call("sleep", [300], { signal: aborts.signal });
    await peer.call("add", [1, 1]);
    aborts.abort();
    const error = await call.catch((error: unknown) => error as all.CallError);
    const late = await peer.call("sleep", [60_000], { timeout: 50 }).catch((error: unknown) => error as all.CallError);
    await peer.call("sleep", [400]);
    const slept = (await peer.call<number>("slept")) - before;
    peer.close();
    const aborted = error as all.CallError;
    return { names: [aborted.name, (late as all.CallError).name], fate: aborted.fate, slept };
  }, setting.url);
  assert.deepEqual(told, { names: ["AbortError", "TimeoutError"], fate: "MaybeExecuted", slept: 1 });
});

test("progress is heard before the answer", async () => {
  const told = await tab.run(async (url) => {
    const peer = await rpc.connect(url);
    const steps: unknown[] = [];
    const built = await peer.call("build", [3], { onProgress: (step) => steps.push(step) });
    const heard = [...steps];
    peer.close();
    return { built, heard };
  }, setting.url);
  assert.deepEqual(told, { built: "built", heard: [1, 2, 3].map((step) => ({ step, of: 3 })) });
});

test("a strict policy of the page is kept", async () => {
  assert.deepEqual(await tab.run(() => app.violations), []);
});
