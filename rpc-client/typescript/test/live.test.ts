/** Values that many watch: the publisher before takers that are text, and watchers before a publisher. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import {
  bytes,
  bytesOf,
  Live,
  RpcError,
  sendStream,
  stream,
  streamParam,
  method,
  subscribe,
  watch,
  type LiveChange,
  type Json,
  type View,
  type WatchOptions,
} from "../src/index.js";
import { both } from "./support/connected.js";
import { pause } from "./support/pair.js";
import { generator } from "./support/random.js";
import { Subscriber } from "./support/subscribed.js";
import { randomChange, randomValue } from "./support/values.js";

/** Makes each whole value long, so that a patch is shorter. */
const WIDE = "x".repeat(400);

test("a taker gets the value, and then patches; what is shorter as a whole comes as a whole", async () => {
  const live = new Live<any>({ n: 1, wide: WIDE });
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
  await taker.subscribe("state");
  assert.deepEqual(await taker.item(), { seq: 1, result: { value: { n: 1, wide: WIDE } } });
  live.update((value) => (value.n = 2));
  assert.deepEqual(await taker.item(), { seq: 2, result: { patch: [{ op: "add", path: "/n", value: 2 }] } });
  live.set({ wide: WIDE });
  assert.deepEqual(await taker.item(), { seq: 3, result: { patch: [{ op: "remove", path: "/n" }] } });
  live.set([1]);
  assert.deepEqual(await taker.item(), { seq: 4, result: { value: [1] } });
  live.set([2]);
  assert.deepEqual(await taker.item(), { seq: 5, result: { value: [2] } });
  assert.deepEqual(live.value, [2]);
  // Nothing has changed.
  live.set([2]);
  live.update((value) => value.push(3, value.pop()) && value.shift() && value.splice(0, 1, 2));
  await taker.raw.silent();
});

test("a value is what its JSON is", async () => {
  const live = new Live<any>({ wide: WIDE });
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
  await taker.subscribe("state");
  await taker.item();
  live.update((value) => (value.at = new Date(0)));
  const patch = [{ op: "add", path: "/at", value: "1970-01-01T00:00:00.000Z" }];
  assert.deepEqual(await taker.item(), { seq: 2, result: { patch } });
  live.update((value) => ((value.none = undefined), (value.list = [undefined, NaN])));
  assert.deepEqual((await taker.item()).result, { patch: [{ op: "add", path: "/list", value: [null, null] }] });
  live.update((value) => delete value.none);
  await taker.raw.silent();
});

test("a change is written once for all takers, and several of one turn as one", async () => {
  let writes: string[] = [];
  const stringify = (value: unknown): string => {
    const text = JSON.stringify(value);
    writes.push(text);
    return text;
  };
  const json: Json = { parse: JSON.parse, stringify };
  const live = new Live<any>({ n: 0, wide: WIDE }, { json });
  live.update((value) => (value.n = -1));
  assert.deepEqual(writes, []); // nobody watches
  const handlers = { state: stream([], () => live.subscribe()) };
  const takers = await Promise.all([1, 2, 3].map(() => new Subscriber(handlers).greet()));
  for (const taker of takers) {
    await taker.subscribe("state");
    await taker.item();
  }
  assert.equal(writes.length, 1);
  writes = [];
  for (let n = 1; n <= 100; n++) live.update((value) => (value.n = n));
  for (const taker of takers) {
    assert.deepEqual(await taker.item(), { seq: 2, result: { patch: [{ op: "add", path: "/n", value: 100 }] } });
  }
  assert.deepEqual(writes, [JSON.stringify({ n: 100, wide: WIDE }), "100"]);
});

test("a slow taker skips to the newest: what it missed comes as one patch, or as a whole value", async () => {
  const live = new Live<any>({ n: 0, list: [WIDE], wide: WIDE });
  const handlers = { state: stream([], () => live.subscribe()) };
  const quick = await new Subscriber(handlers).greet({ window: 2 ** 30 });
  const taker = await new Subscriber(handlers).greet({ window: 64 });
  await quick.subscribe("state");
  const subscription = await taker.subscribe("state");
  await quick.item();
  await taker.item();
  const changes = async (count: number): Promise<void> => {
    for (let change = 1; change <= count; change++) {
      live.update((value) => value.list.push((value.n = change)));
      assert.equal((await quick.item()).result.patch.length, 2);
    }
  };
  await changes(3);
  taker.notify("$/credit", { subscription, bytes: 900, seq: 1 }); // as much as the first item has overdrawn
  assert.deepEqual(await taker.item(), {
    seq: 2,
    result: {
      patch: [
        { op: "add", path: "/list/1", value: 1 },
        { op: "add", path: "/list/2", value: 2 },
        { op: "add", path: "/n", value: 3 },
        { op: "add", path: "/list/3", value: 3 },
      ],
    },
  });
  await changes(30);
  await taker.raw.silent();
  taker.notify("$/credit", { subscription, bytes: 10_000, seq: 2 });
  assert.deepEqual(await taker.item(), { seq: 3, result: { value: live.value } });
  await taker.raw.silent();
});

test("no item is longer than the whole value, however far behind a taker is", async () => {
  const random = generator(21);
  for (let run = 0; run < 40; run++) {
    const live = new Live<unknown>(randomValue(random, 4));
    const taker = live.subscribe();
    let value: unknown;
    for (let round = 0; round < 20; round++) {
      for (let change = random(20); change >= 0; change--) live.set(randomChange(random, live.value));
      const before = JSON.stringify(value);
      if (before === JSON.stringify(live.value)) continue;
      const next = await Promise.race([taker.next(), pause()]);
      if (!next) break; // the names of members have another order: that is no change
      const item = next.value as any;
      const { value: whole, patch } = item;
      assert.ok(JSON.stringify(item).length <= JSON.stringify({ value: live.value }).length);
      value = patch ? fastJsonPatch.applyPatch(value, patch, true).newDocument : whole;
      assert.deepEqual(value, live.value);
    }
    await taker.return!();
  }
});

test("a taker that asks for it gets one change in so many milliseconds, and the last one always", async () => {
  const live = new Live<any>({ n: 0, wide: WIDE });
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
  const subscription = await taker.subscribe("state");
  await taker.item();
  taker.notify("$/throttle", { subscription, intervalMs: 3_600_000 });
  await pause();
  const change = async (n: number): Promise<void> => {
    live.update((value) => (value.n = n));
    await pause();
  };
  for (let n = 1; n <= 5; n++) await change(n);
  await taker.raw.silent();
  taker.notify("$/throttle", { subscription, intervalMs: 0 });
  assert.deepEqual((await taker.item()).result, { patch: [{ op: "add", path: "/n", value: 5 }] });
  await change(6);
  assert.deepEqual((await taker.item()).result, { patch: [{ op: "add", path: "/n", value: 6 }] });
  taker.notify("$/throttle", { subscription, intervalMs: 5 });
  await pause();
  await change(7);
  await change(8);
  let last: any;
  do last = await taker.item();
  while (last.result.patch[0].value !== 8);
  taker.notify("$/throttle", { subscription, intervalMs: 3_600_000 });
  await pause();
  await change(9);
  for (const intervalMs of [-1, 1.5, "1", null]) taker.notify("$/throttle", { subscription, intervalMs });
  taker.notify("$/throttle", { subscription: "another", intervalMs: 0 });
  await taker.raw.silent();
  live.close();
  const seq = last.seq + 1;
  assert.deepEqual(await taker.item(), { seq, result: { patch: [{ op: "add", path: "/n", value: 9 }] } });
  assert.deepEqual(await taker.item(), { seq: seq + 1, done: true });
});

/** A watcher with much credit that answers items that ask, or says so. */
async function answering(live: Live<any>): Promise<{ taker: Subscriber; subscription: string }> {
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet({
    ack: true,
    window: 2 ** 30,
  });
  return { taker, subscription: await taker.subscribe("state") };
}

test("a watcher that answers has four items on their way, and what is new is one change behind them", async () => {
  const live = new Live<any>({ n: 0, wide: WIDE });
  const { taker, subscription } = await answering(live);
  const change = async (): Promise<void> => {
    live.update((value) => value.n++);
    await pause();
  };
  const set = (value: number): object => ({ patch: [{ op: "add", path: "/n", value }] });
  assert.deepEqual(await taker.item(), { seq: 1, result: { value: { n: 0, wide: WIDE } } });
  for (let n = 1; n <= 20; n++) await change();
  assert.deepEqual(await taker.item(), { seq: 2, ack: true, result: set(1) });
  assert.deepEqual(await taker.item(), { seq: 3, result: set(2) });
  assert.deepEqual(await taker.item(), { seq: 4, ack: true, result: set(3) });
  await taker.raw.silent();
  taker.notify("$/credit", { subscription, bytes: 64, seq: 2 });
  assert.deepEqual(await taker.item(), { seq: 5, result: set(20) });
  for (let n = 21; n <= 30; n++) await change();
  assert.deepEqual(await taker.item(), { seq: 6, ack: true, result: set(21) });
  await taker.raw.silent();
  // A number that was never sent stands for all of them.
  taker.notify("$/credit", { subscription, bytes: 64, seq: 1_000 });
  assert.deepEqual(await taker.item(), { seq: 7, result: set(30) });
  for (let n = 31; n <= 40; n++) await change();
  for (let n = 31; n <= 33; n++) assert.deepEqual((await taker.item()).result, set(n));
  await taker.raw.silent();
});

test("a watcher that gives credit without numbers is not waited for", async () => {
  for (const hello of [{}, { ack: true }]) {
    const live = new Live<any>({ n: 0, wide: WIDE });
    const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet({
      window: 2 ** 30,
      ...hello,
    });
    const subscription = await taker.subscribe("state");
    await taker.item();
    for (let n = 1; n <= 20; n++) {
      live.update((value) => (value.n = n));
      const item = await taker.item();
      assert.equal(item.result.patch[0].value, n);
      assert.equal(item.ack, "ack" in hello && n % 2 === 1 ? true : undefined);
      if (item.ack) taker.notify("$/credit", { subscription, bytes: 64 });
    }
  }
});

test("a publisher ends behind the latest value when its watcher has room for that, and at once if it leaves", async () => {
  for (const leaves of [false, true]) {
    const live = new Live<any>({ n: 0, wide: WIDE });
    const { taker, subscription } = await answering(live);
    for (let n = 1; n <= 4; n++) {
      await taker.item();
      live.update((value) => (value.n = n));
    }
    live.close();
    await taker.raw.silent();
    assert.equal(live.watchers, 1);
    if (leaves) taker.notify("$/stop", { subscription });
    else {
      taker.notify("$/credit", { subscription, bytes: 64, seq: 4 });
      assert.equal((await taker.item()).result.patch[0].value, 4);
      assert.deepEqual(await taker.item(), { seq: 6, done: true });
    }
    while (live.watchers > 0) await pause();
  }
});

test("an argument of a call is bounded like a subscription", async () => {
  const live = new Live<any>({ n: 0, wide: WIDE });
  const taker = new Subscriber({});
  const shown = taker.peer.call("show", [sendStream(live.subscribe())]);
  await taker.greet({ ack: true, window: 2 ** 30 });
  const { id, params } = await taker.raw.next();
  const [{ $stream: subscription }] = params;
  for (let n = 1; n <= 4; n++) {
    await taker.item();
    live.update((value) => (value.n = n));
  }
  await taker.raw.silent();
  taker.notify("$/credit", { subscription, bytes: 64, seq: 4 });
  assert.equal((await taker.item()).result.patch[0].value, 4);
  taker.raw.send({ jsonrpc: "2.0", id, result: "shown" });
  assert.equal(await shown, "shown");
});

test("bytes in a value are base64 text, which watchers read as bytes", async () => {
  const long = new Uint8Array(5_000).fill(7);
  const value = { small: new Uint8Array([1, 2, 3]), list: [Buffer.from("abc")], wide: WIDE };
  const live = new Live<any>(value);
  const part = (value: unknown): View => ({ part: { of: value } });
  const { near } = both(
    { state: stream([], () => live.subscribe()), part: stream([], () => live.subscribe(part)) },
    { features: [bytes] },
  );
  const all = watch(subscribe<LiveChange<any>>(near, "state"));
  const some = watch(subscribe<LiveChange<any>>(near, "part"));
  assert.deepEqual((await all.next()).value, { small: "AQID", list: ["YWJj"], wide: WIDE });
  assert.deepEqual((await some.next()).value, { of: { small: "AQID", list: ["YWJj"], wide: WIDE } });
  live.update((value) => (value.long = long));
  assert.deepEqual(bytesOf((await all.next()).value.long), long);
  // The value of the publisher stays as it is.
  assert.equal(live.value, value);
  assert.deepEqual(value.small, new Uint8Array([1, 2, 3]));
});

test("nothing is kept of takers that have left", async () => {
  const live = new Live(1);
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
  for (let round = 0; round < 3; round++) {
    const subscription = await taker.subscribe("state");
    await taker.item();
    taker.notify("$/stop", { subscription });
    while (live.watchers > 0) await pause();
  }
  const kept = [...taker.peer._core._slots.values()].filter((value) => value instanceof Map);
  assert.equal(kept.length, 2);
  for (const map of kept) assert.equal(map.size, 0);
});

test("each taker sees what it may see, and nothing while that is hidden", async () => {
  interface State {
    readonly shown: "all" | "some" | "none";
    readonly open: string;
    readonly secret: number;
  }
  const view = ({ shown, open }: State): View =>
    shown === "all" ? "all" : shown === "none" ? "hidden" : { part: { shown, open } };
  const live = new Live<State>({ shown: "none", open: WIDE, secret: 1 });
  const taker = await new Subscriber({ state: stream([], () => live.subscribe(view)) }).greet();
  await taker.subscribe("state");
  const set = (shown: State["shown"], secret: number): void => live.set({ shown, open: WIDE, secret });
  const said = async (): Promise<any> => (await taker.item()).result;
  const of = (name: string, value: unknown): object => ({ op: "add", path: `/${name}`, value });
  await taker.raw.silent();
  set("some", 2);
  assert.deepEqual(await taker.item(), { seq: 1, result: { value: { shown: "some", open: WIDE } } });
  set("some", 3);
  await taker.raw.silent();
  set("all", 4);
  assert.deepEqual((await said()).patch, [of("shown", "all"), of("secret", 4)]);
  set("all", 5);
  assert.deepEqual((await said()).patch, [of("secret", 5)]);
  set("some", 6);
  assert.deepEqual((await said()).patch, [{ op: "remove", path: "/secret" }, of("shown", "some")]);
  set("none", 7);
  await taker.raw.silent();
  set("some", 8);
  assert.deepEqual(await said(), { value: { shown: "some", open: WIDE } });
  set("none", 9);
  await taker.raw.silent();
  set("all", 10);
  assert.deepEqual(await said(), { value: { shown: "all", open: WIDE, secret: 10 } });
  await taker.raw.silent();
});

test("the last value comes before the end of a publisher, and before its failure", async () => {
  for (const [error, said] of [
    [undefined, { done: true }],
    [new RpcError(7, "lost"), { error: { code: 7, message: "lost" } }],
    [new Error("secret"), { error: { code: -32603, message: "internal error" } }],
  ] as const) {
    const live = new Live(1);
    const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
    await taker.subscribe("state");
    assert.deepEqual(await taker.item(), { seq: 1, result: { value: 1 } });
    assert.equal(live.watchers, 1);
    live.set(2);
    if (error) live.fail(error);
    else live.close();
    live.fail(new RpcError(8, "too late"));
    live.set(3);
    assert.equal(live.value, 2);
    assert.deepEqual(await taker.item(), { seq: 2, result: { value: 2 } });
    assert.deepEqual(await taker.item(), { seq: 3, ...said });
    await taker.subscribe("state");
    assert.deepEqual(await taker.item(), { seq: 1, result: { value: 2 } });
    assert.deepEqual(await taker.item(), { seq: 2, ...said });
    await pause();
    assert.equal(live.watchers, 0);
  }
});

test("a value that is no JSON ends the streams of its takers", async () => {
  const live = new Live<any>(1);
  const taker = await new Subscriber({ state: stream([], () => live.subscribe()) }).greet();
  await taker.subscribe("state");
  await taker.item();
  live.set(1n);
  assert.equal((await taker.item()).error.code, -32603);
  live.set(2);
  await taker.subscribe("state");
  assert.deepEqual((await taker.item()).result, { value: 2 });
});

test("whatever changes, each watcher has the publisher's value in the end", async () => {
  const random = generator(22);
  for (let run = 0; run < 20; run++) {
    const live = new Live<any>(randomValue(random, 4));
    const part = (value: unknown): View =>
      typeof value !== "object" || value === null ? "all" : { part: { names: Object.keys(value), value } };
    const handlers = { state: stream([], () => live.subscribe()), part: stream([], () => live.subscribe(part)) };
    const ended: Promise<unknown>[] = [];
    const plain: (() => unknown)[] = [];
    const full: { held: number }[] = [];
    const join = (kind: number): void => {
      const { near, link } = both(handlers, kind === 1 ? { hello: "never" } : {});
      const options: WatchOptions = kind === 2 ? { throttle: 1 + random(3) } : {};
      const values = watch(subscribe<LiveChange<any>>(near, kind === 3 ? "part" : "state"), options);
      const isSlow = kind === 4;
      if (kind === 5) full.push(link);
      ended.push(
        (async () => {
          let last: unknown;
          // A plain peer is not told of the end.
          if (kind === 1) return void (plain.push(() => values.value), void values.next());
          for await (const value of values) {
            const text = JSON.stringify((last = value));
            for (let turn = isSlow ? random(20) : 0; turn > 0; turn--) await pause();
            assert.equal(JSON.stringify(value), text); // a value stays as it was
          }
          assert.deepEqual(last, kind === 3 ? ((part(live.value) as any).part ?? live.value) : live.value);
          assert.deepEqual(values.value, last);
        })(),
      );
    };
    for (let kind = 0; kind <= 5; kind++) join(kind);
    for (let round = 0; round < 60; round++) {
      if (random(10) === 0) join(random(6)); // comes late
      for (let change = random(4); change > 0; change--) live.set(randomChange(random, live.value));
      // There is no room on a link for a while.
      for (const link of full) link.held = random(2) * 2 ** 30;
      if (random(3) > 0) await pause();
    }
    for (const link of full) link.held = 0;
    live.close();
    await Promise.all(ended);
    for (const value of plain) assert.deepEqual(value(), live.value);
  }
});

test("a value can be an argument of a call, and be watched by its handler", async () => {
  const live = new Live({ n: 1, wide: WIDE });
  const seen: number[] = [];
  const { near } = both({
    show: method([streamParam("state")], async (state: never) => {
      for await (const value of watch<{ n: number }>(state)) seen.push(value.n);
      return "shown";
    }),
  });
  const shown = near.call("show", [sendStream(live.subscribe())]);
  while (seen.length === 0) await pause();
  live.update((value) => (value.n = 2));
  while (seen.length === 1) await pause();
  live.close();
  assert.equal(await shown, "shown");
  assert.deepEqual(seen, [1, 2]);
});

test("changes that a program takes itself are as they would be on the wire", async () => {
  const live = new Live({ n: 1, wide: WIDE });
  const changes = live.subscribe();
  assert.deepEqual((await changes.next()).value, { value: { n: 1, wide: WIDE } });
  live.update((value) => (value.n = 2));
  assert.deepEqual((await changes.next()).value, { patch: [{ op: "add", path: "/n", value: 2 }] });
});
