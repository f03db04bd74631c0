/** Topics and live values of the reference server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import {
  connect,
  keepConnected,
  subscribe,
  watch,
  type Client,
  type LiveChange,
  type Peer,
  type Watch,
  type WatchOptions,
} from "../src/index.js";
import { generator } from "./support/random.js";
import { Proxy, Reference } from "./support/reference.js";

interface Counters {
  readonly [key: string]: number;
}

let server: Reference;
let proxy: Proxy;
/** Changes the counters. */
let other: Peer;

before(async () => {
  server = await Reference.start("--sessions");
  proxy = await Proxy.start(server.url);
  other = await connect(server.url, { WebSocket });
});
after(async () => {
  other.close();
  await proxy.stop();
  await server.stop();
});

function stay(): Client {
  return keepConnected(proxy.url, { WebSocket, minDelay: 5, maxDelay: 20 });
}

function counters(peer: Peer, options?: WatchOptions): Watch<Counters> {
  return watch(subscribe<LiveChange<Counters>>(peer, "counters"), options);
}

/** Waits until the watcher has a value that is good. */
async function until(values: Watch<Counters>, isGood: (value: Counters) => boolean): Promise<Counters> {
  for (;;) {
    const { done, value } = await values.next();
    if (done) assert.fail("the watch has ended");
    if (isGood(value)) return value;
  }
}

/** Counts up. Returns what is counted then. */
async function count(key: string, times = 1): Promise<number> {
  let counted = 0;
  for (; times > 0; times--) counted = await other.call<number>("incr", [key]);
  return counted;
}

test("watchers have the server's value: quick ones, late ones, those that ask for few changes", async () => {
  const random = generator(31);
  const peers: Peer[] = [];
  const watchers: Watch<Counters>[] = [];
  const join = async (): Promise<void> => {
    const peer = await connect(server.url, { WebSocket });
    peers.push(peer);
    watchers.push(counters(peer, { throttle: random(2) * 5 }));
  };
  const expected: { [key: string]: number } = {};
  for (let change = 0; change < 300; change++) {
    if (change % 50 === 0) await join();
    const key = `key/${random(40)}~`;
    const counted = other.call<number>("incr", [key]);
    expected[key] = (expected[key] ?? 0) + 1;
    if (random(3) === 0) assert.equal(await counted, expected[key]);
  }
  expected["last"] = await count("last");
  for (const values of watchers) assert.deepEqual(await until(values, ({ last }) => last === 1), expected);
  for (const peer of peers) peer.close();
});

test("what has not changed is the same object, and a change of one member is a patch", async () => {
  const peer = await connect(server.url, { WebSocket });
  const items = subscribe<LiveChange<Counters>>(peer, "counters");
  const { value: first } = await items.next();
  assert.ok(first && "value" in first && Object.keys(first.value).length > 10);
  await count("one");
  const patch = [{ op: "add", path: "/one", value: 1 }];
  assert.deepEqual((await items.next()).value, { patch });
  peer.close();
});

test("the server sends no more changes than are asked for, and the last one always", async () => {
  const peer = await connect(server.url, { WebSocket });
  let received = 0;
  const stream = subscribe<LiveChange<Counters>>(peer, "counters");
  const next = stream.next.bind(stream);
  stream.next = () => (received++, next());
  const values = watch(stream, { throttle: 3_600_000 });
  await values.next();
  await peer.call("add", [1, 1]); // behind what asks
  const counted = await count("throttled", 20);
  await peer.call("add", [1, 1]);
  assert.ok(received <= 3, `${received} items`);
  values.throttle(0);
  assert.equal((await until(values, (value) => value["throttled"] === counted))["throttled"], counted);
  assert.ok(received <= 4, `${received} items`);
  peer.close();
});

test("a break over which the session goes on takes nothing from a watcher", async () => {
  const client = stay();
  const values = counters(client, { throttle: 1 });
  await values.next();
  for (let cut = 0; cut < 5; cut++) {
    const half = await count("cut", 10);
    if (cut % 2 === 0) await until(values, ({ cut }) => cut === half);
    proxy.cut();
    const all = await count("cut", 10);
    await until(values, ({ cut }) => cut === all);
    assert.deepEqual(client.state, { is: "up", resumed: true });
  }
  client.close();
});

test("after a session has ended the watch goes on with a whole value", async () => {
  const client = stay();
  const values = counters(client, { throttle: 1 });
  const before = await until(values, () => true);
  await client.newSession();
  const counted = await count("renewed");
  const value = await until(values, ({ renewed }) => renewed === counted);
  assert.deepEqual(value, { ...before, renewed: 1 });
  client.close();
});

test("who comes late to a topic gets the last events first", async () => {
  for (const event of ["one", { two: 2 }, [3], "four"]) await other.call("announce", [event]);
  const peer = await connect(server.url, { WebSocket });
  const events = subscribe<unknown>(peer, "news");
  const heard: unknown[] = [];
  for (let event = 0; event < 3; event++) heard.push((await events.next()).value);
  await other.call("announce", ["five"]);
  heard.push((await events.next()).value);
  assert.deepEqual(heard, [{ two: 2 }, [3], "four", "five"]);
  peer.close();
});
