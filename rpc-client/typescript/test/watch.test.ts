/** Watchers, whose publisher is text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CallError,
  Client,
  GapError,
  RpcError,
  subscribe,
  watch,
  type LiveChange,
  type Link,
  type SubscribeOptions,
  type Watch,
  type WatchOptions,
} from "../src/index.js";
import { closing, connect } from "./support/connected.js";
import { pair, pause, Raw } from "./support/pair.js";

const LONG = 3_600_000;

/** A publisher that says what the test says. */
class Publisher {
  readonly raw: Raw;
  id = "s";
  seq = 0;

  constructor(raw: Raw) {
    this.raw = raw;
  }

  hello(more: object = {}): void {
    this.raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, ...more } });
  }

  /** Answers the next call of a subscription. */
  async begin(id = this.id): Promise<void> {
    this.id = id;
    this.seq = 0;
    const { id: request, method } = await this.raw.next();
    assert.equal(method, "state");
    this.raw.send({ jsonrpc: "2.0", id: request, result: id });
  }

  say(said: object): void {
    const params = { subscription: this.id, seq: ++this.seq, ...said };
    this.raw.send({ jsonrpc: "2.0", method: "state", params });
  }

  value(value: unknown): void {
    this.say({ result: { value } });
  }

  set(path: string, value: unknown): void {
    this.say({ result: { patch: [{ op: "add", path, value }] } });
  }
}

/** A watcher of a known publisher. */
async function watched<T = any>(
  options: WatchOptions = {},
  more: SubscribeOptions = {},
): Promise<{ publisher: Publisher; values: Watch<T> }> {
  const { raw, peer } = connect({ hello: "always" });
  const publisher = new Publisher(raw);
  await raw.next();
  publisher.hello();
  const values = watch(subscribe<LiveChange<T>>(peer, "state", [], more), options);
  await publisher.begin();
  return { publisher, values };
}

async function next<T>(values: Watch<T>): Promise<T> {
  const { done, value } = await values.next();
  assert.equal(done, false);
  return value as T;
}

test("values come as they change, and stay as they were", async () => {
  const { publisher, values } = await watched();
  assert.equal(values.value, undefined);
  publisher.value({ rows: [{ n: 1 }, { n: 2 }], deep: {} });
  const first = await next(values);
  publisher.say({ result: { patch: [{ op: "replace", path: "/rows/1/n", value: 3 }] } });
  const second = await next(values);
  assert.deepEqual(first, { rows: [{ n: 1 }, { n: 2 }], deep: {} });
  assert.deepEqual(second, { rows: [{ n: 1 }, { n: 3 }], deep: {} });
  assert.equal(second.rows[0], first.rows[0]);
  assert.equal(second.deep, first.deep);
  assert.equal(values.value, second);
});

test("all that has arrived is applied before a value is shown", async () => {
  const { publisher, values } = await watched();
  const shown = next(values);
  const { raw } = publisher;
  publisher.value([0]);
  for (let n = 1; n <= 50; n++) publisher.set("/-", n);
  const patches = [51, 52].map((value) => ({ patch: [{ op: "add", path: "/-", value }] }));
  raw.send({ jsonrpc: "2.0", method: "state", params: { subscription: "s", seq: 52, results: patches } });
  assert.equal((await shown).length, 53);
  publisher.seq = 53;
  publisher.set("/-", 53);
  publisher.set("/-", 54);
  await pause();
  // Nobody asked meanwhile.
  assert.equal((await next(values)).at(-1), 54);
});

test("what changes nothing is not shown", async () => {
  const { publisher, values } = await watched();
  publisher.value({ n: 1, list: [{}] });
  await next(values);
  const another = next(values);
  publisher.value({ list: [{}], n: 1 });
  publisher.say({ result: { patch: [] } });
  await pause();
  publisher.set("/n", 2);
  assert.deepEqual(await another, { n: 2, list: [{}] });
});

test("a watcher says how often it wants changes, and waits by itself as well", async () => {
  const { publisher, values } = await watched({ throttle: LONG });
  const { raw } = publisher;
  assert.deepEqual(await raw.next(), {
    jsonrpc: "2.0",
    method: "$/throttle",
    params: { subscription: "s", intervalMs: LONG },
  });
  publisher.value([0]);
  assert.deepEqual(await next(values), [0]);
  let isShown = false;
  const second = next(values).then((value) => ((isShown = true), value));
  for (let n = 1; n <= 5; n++) {
    publisher.set("/-", n);
    await pause();
  }
  assert.equal(isShown, false);
  assert.deepEqual(values.value, [0, 1, 2, 3, 4, 5]);
  values.throttle(0);
  assert.deepEqual(await second, [0, 1, 2, 3, 4, 5]);
  assert.equal((await raw.next()).params.intervalMs, 0);
  values.throttle(1);
  assert.equal((await raw.next()).params.intervalMs, 1);
  publisher.set("/-", 6);
  assert.deepEqual(await next(values), [0, 1, 2, 3, 4, 5, 6]);
  // The last one comes with the end.
  values.throttle(LONG);
  publisher.set("/-", 7);
  publisher.say({ done: true });
  assert.deepEqual((await next(values)).at(-1), 7);
  assert.equal((await values.next()).done, true);
});

test("a plain publisher is not told how often changes are wanted", async () => {
  const { raw, peer } = connect({ hello: "never" });
  const publisher = new Publisher(raw);
  const values = watch(subscribe<LiveChange<any>>(peer, "state"), { throttle: 5 });
  await publisher.begin();
  raw.send({ jsonrpc: "2.0", method: "state", params: { subscription: "s", result: { value: 1 } } });
  assert.equal(await next(values), 1);
  values.throttle(7);
  await raw.silent();
  await values.return();
  assert.equal((await raw.next()).method, "unsubscribe_state");
});

test("leaving the loop ends the subscription", async () => {
  const { publisher, values } = await watched();
  publisher.value(1);
  for await (const value of values) {
    assert.equal(value, 1);
    break;
  }
  assert.deepEqual(await publisher.raw.next(), { jsonrpc: "2.0", method: "$/stop", params: { subscription: "s" } });
  assert.deepEqual(await values.next(), { done: true, value: undefined });
  assert.equal(values.value, 1);
});

test("an error of the publisher comes behind the last value", async () => {
  const { publisher, values } = await watched();
  publisher.value(1);
  publisher.say({ error: { code: 7, message: "lost" } });
  await pause();
  assert.equal(await next(values), 1);
  await assert.rejects(values.next(), (error) => error instanceof RpcError && error.code === 7);
  assert.equal((await values.next()).done, true);
});

test("a signal ends the watch", async () => {
  const aborts = new AbortController();
  const { publisher, values } = await watched({}, { signal: aborts.signal });
  publisher.value(1);
  await next(values);
  const waiting = values.next();
  aborts.abort();
  await assert.rejects(waiting, (error) => error instanceof CallError && error.failure === "cancelled");
});

test("what does not fit ends the watch with an error, and no wrong value is shown", async () => {
  const good = { n: 1, list: [1, 2] };
  for (const result of [
    {
      patch: [
        { op: "add", path: "/n", value: 2 },
        { op: "remove", path: "/none" },
      ],
    },
    { patch: [{ op: "add", path: "/__proto__/polluted", value: 1 }] },
    { patch: "x" },
    { patch: null },
    { op: "add" },
    {},
    null,
    1,
    [],
    "x",
  ]) {
    const { publisher, values } = await watched();
    publisher.value(good);
    assert.deepEqual(await next(values), good);
    publisher.say({ result });
    publisher.value({ n: 3 });
    await assert.rejects(
      values.next(),
      (error) => error instanceof CallError && error.failure === "unreadable",
      JSON.stringify(result),
    );
    assert.deepEqual(values.value, good);
    assert.equal((await publisher.raw.next()).method, "$/stop");
    assert.equal(({} as any).polluted, undefined);
  }
  const { publisher, values } = await watched();
  publisher.set("", 1); // before the first value
  await assert.rejects(values.next(), (error) => error instanceof CallError && error.failure === "unreadable");
  assert.equal(values.value, undefined);
});

test("a value that grows without an end ends the watch", async () => {
  const { publisher, values } = await watched({ limit: 10_000 });
  publisher.value([]);
  for (let n = 0; n < 20; n++) publisher.set("/-", "x".repeat(1_000));
  await pause();
  assert.equal((await next(values)).length, 9);
  await assert.rejects(values.next(), (error) => error instanceof CallError && error.failure === "unreadable");
});

test("lost items end the watch, unless a whole value comes next", async () => {
  const missed: unknown[] = [];
  const { publisher, values } = await watched({}, { onGap: (count) => missed.push(count) });
  publisher.value([1]);
  await next(values);
  publisher.seq += 2;
  publisher.value([4]);
  assert.deepEqual(await next(values), [4]);
  publisher.seq += 1;
  publisher.set("/-", 6);
  await assert.rejects(values.next(), (error) => error instanceof GapError && error.missed === 1);
  assert.deepEqual(values.value, [4]);
  assert.deepEqual(missed, [2, 1]);
});

test("a value that comes right before a gap is shown, though what follows the gap is not here yet", async () => {
  const { publisher, values } = await watched({}, { onGap: () => {} });
  const shown = next(values);
  publisher.value(1);
  publisher.seq += 1;
  publisher.say({}); // shows that an item is missing, and is none
  assert.equal(await shown, 1);
  publisher.value(2);
  assert.equal(await next(values), 2);
});

/** A client, and its server over one link after the other. */
class Links {
  readonly #waiting: ((link: Link) => void)[] = [];
  readonly client = new Client(() => new Promise<Link>((resolve) => this.#waiting.push(resolve)), {
    minDelay: 1,
    maxDelay: 1,
  });

  /** Returns the server's end of the next link, and what the client says of its session. */
  async next(): Promise<{ publisher: Publisher; session: any }> {
    while (this.#waiting.length === 0) await new Promise((next) => setTimeout(next, 1));
    const [near, far] = pair();
    const raw = new Raw(far);
    this.#waiting.shift()!(near);
    const { params } = await raw.next();
    return { publisher: new Publisher(raw), session: params.session };
  }
}

const TOKEN = "first-first-first-first";
const session = { token: TOKEN, keepMs: 120_000, buffer: 1 << 20, spreadMs: 0 };

test("a break over which the session goes on takes nothing from a watcher", async () => {
  const links = new Links();
  closing(links.client);
  const { publisher: first } = await links.next();
  first.hello({ session });
  const values = watch(subscribe<LiveChange<any>>(links.client, "state"), { throttle: 1 });
  await first.begin();
  assert.equal((await first.raw.next()).method, "$/ack");
  assert.equal((await first.raw.next()).method, "$/throttle");
  first.value({ list: [0], deep: {} });
  const shown = await next(values);
  first.raw.link.cut();
  const { publisher: second, session: asked } = await links.next();
  assert.equal(asked.token, TOKEN);
  second.seq = 1;
  second.hello({ session: { ...session, resumed: true, received: 2 } });
  second.set("/list/-", 1);
  second.set("/list/-", 2);
  let value = await next(values);
  if (value.list.length < 3) value = await next(values);
  assert.deepEqual(value, { list: [0, 1, 2], deep: {} });
  assert.equal(value.deep, shown.deep);
  assert.equal((await second.raw.next()).method, "$/ack");
  await second.raw.silent(); // the publisher knows the interval still
});

test("after a break that ends the session, a new value follows, and the interval is said again", async () => {
  const links = new Links();
  closing(links.client);
  const { publisher: first } = await links.next();
  first.hello({ session });
  const values = watch(subscribe<LiveChange<any>>(links.client, "state"), { throttle: 5 });
  await first.begin();
  assert.equal((await first.raw.next()).method, "$/ack");
  assert.equal((await first.raw.next()).method, "$/throttle");
  first.value({ list: [0], deep: { n: 1 } });
  const shown = await next(values);
  first.raw.link.cut();
  const { publisher: second } = await links.next();
  second.hello({ session: { ...session, token: "second-second-second-second", refused: "unknown" } });
  assert.equal((await second.raw.next()).method, "$/ack");
  await second.begin("another");
  const { params } = await second.raw.next();
  assert.deepEqual(params, { subscription: "another", intervalMs: 5 });
  second.value({ list: [7], deep: { n: 1 } });
  const value = await next(values);
  assert.deepEqual(value, { list: [7], deep: { n: 1 } });
  assert.equal(value.deep, shown.deep);
  second.set("/list/-", 8);
  assert.deepEqual((await next(values)).list, [7, 8]);
});
