/** What a program in TypeScript publishes, as the reference server takes it: its watches are those of Rust. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import {
  bytesOf,
  connect,
  keepConnected,
  Live,
  RpcError,
  stream,
  subscribe,
  Topic,
  type Handlers,
  type Incoming,
  type Peer,
  type View,
} from "../src/index.js";
import { generator } from "./support/random.js";
import { Proxy, Reference } from "./support/reference.js";
import { randomChange, randomValue } from "./support/values.js";

let server: Reference;
let proxy: Proxy;

before(async () => {
  server = await Reference.start("--sessions");
  proxy = await Proxy.start(server.url);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});

/** Items that this end has sent since it was last asked. */
let sent: { readonly method: string; readonly params: any }[] = [];

/** A socket whose items are counted. */
class Counted extends WebSocket {
  override send(message: string, ...how: any[]): void {
    const texts = message.startsWith("\x1e") ? message.slice(1).split("\x1e") : [message];
    for (const text of texts) if (text.includes('"subscription"')) sent.push(JSON.parse(text));
    super.send(message, ...(how as []));
  }
}

async function publishing(handlers: Handlers): Promise<Peer> {
  sent = [];
  return connect(server.url, { WebSocket: Counted, handlers, onError: () => {} });
}

/** The values that the server has of what this end publishes. */
function watched<T = any>(peer: Peer, method: string, intervalMs = 0): Incoming<T> {
  return subscribe<T>(peer, "watch", [method, intervalMs]);
}

/** Waits until the server has a value. */
async function has(values: Incoming<unknown>, value: unknown): Promise<void> {
  const text = sorted(value);
  for await (const seen of { [Symbol.asyncIterator]: () => ({ next: () => values.next() }) }) {
    if (sorted(seen) === text) return;
  }
  assert.fail("the watch has ended");
}

/** Returns the JSON of a value whose members are in one order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );
}

function pause(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("whatever changes, each watch of Rust has the publisher's value in the end", async () => {
  const random = generator(41);
  for (let run = 0; run < 10; run++) {
    const live = new Live<any>(randomValue(random, 4));
    const part = (value: unknown): View =>
      typeof value !== "object" || value === null ? "all" : { part: { names: Object.keys(value), value } };
    const peer = await publishing({
      all: stream([], () => live.subscribe()),
      part: stream([], () => live.subscribe(part)),
    });
    const watches = [watched(peer, "all"), watched(peer, "all", 3), watched(peer, "part")];
    const last = watches.map(async (values) => {
      let last: unknown;
      for await (const value of values) last = value;
      return last;
    });
    for (let round = 0; round < 100; round++) {
      for (let change = random(4); change > 0; change--) live.set(randomChange(random, live.value));
      if (random(3) > 0) await pause();
    }
    live.close();
    const seen = part(live.value);
    assert.deepEqual(await Promise.all(last), [
      live.value,
      live.value,
      seen === "all" ? live.value : (seen as any).part,
    ]);
    assert.ok(sent.some(({ params }) => params.ack) && sent.some(({ params }) => params.result?.patch));
    peer.close();
  }
});

test("a watch of Rust asks for few changes, and its end is that of its stream here", async () => {
  const live = new Live({ n: 0, wide: "x".repeat(200) });
  const peer = await publishing({ state: stream([], () => live.subscribe()) });
  const values = watched(peer, "state", 3_600_000);
  await has(values, live.value);
  for (let change = 0; change < 50; change++) {
    live.update((value) => value.n++);
    await pause();
  }
  assert.ok(sent.filter(({ method }) => method === "state").length <= 2);
  await values.return();
  while (live.watchers > 0) await pause();
  peer.close();
});

test("a publisher's failure is the error of a watch of Rust, behind the latest value", async () => {
  const live = new Live({ n: 1 });
  const peer = await publishing({ state: stream([], () => live.subscribe()) });
  const values = watched(peer, "state");
  await has(values, { n: 1 });
  live.set({ n: 2 });
  live.fail(new RpcError(7, "lost", { feed: "x" }));
  await has(values, { n: 2 });
  await assert.rejects(
    values.next(),
    (error) => error instanceof RpcError && error.code === 7 && error.message === "lost",
  );
  peer.close();
});

test("a watch of Rust goes on over a break, and with a whole value in another session", async () => {
  const live = new Live({ n: 0, wide: "x".repeat(200) });
  const handlers = { state: stream([], () => live.subscribe()) };
  sent = [];
  const client = keepConnected(proxy.url, { WebSocket: Counted, minDelay: 5, maxDelay: 20, handlers });
  const values = subscribe<any>(client, "watch", ["state", 0], { onGap: () => {} });
  await has(values, live.value);
  for (let cut = 0; cut < 5; cut++) {
    for (let change = 0; change < 10; change++) {
      live.update((value) => value.n++);
      if (change === 5) proxy.cut();
      await pause();
    }
    await has(values, live.value);
    assert.deepEqual(client.state, { is: "up", resumed: true });
  }
  assert.equal(sent.filter(({ method, params }) => method === "state" && params.result.value).length, 1);
  await client.newSession();
  live.update((value) => value.n++);
  await has(values, live.value);
  client.close();
  while (live.watchers > 0) await pause(5);
});

test("events of a topic come in their order, with bytes as base64 text, and its end behind them", async () => {
  const topic = new Topic<unknown>();
  const peer = await publishing({ news: stream([], () => topic.subscribe({ history: 2 })) });
  for (const event of ["lost", "first", new Uint8Array([1, 2, 3])]) topic.publish(event);
  const items = subscribe<any>(peer, "relay", ["news"]);
  assert.equal((await items.next()).value, "first");
  assert.deepEqual(bytesOf((await items.next()).value), new Uint8Array([1, 2, 3]));
  for (let event = 0; event < 1_000; event++) topic.publish({ event });
  topic.close();
  for (let event = 0; event < 1_000; event++) assert.deepEqual((await items.next()).value, { event });
  assert.equal((await items.next()).done, true);
  peer.close();
});
