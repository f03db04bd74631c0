/** Topics, whose takers are text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError, stream, subscribe, Topic, type Json, type View } from "../src/index.js";
import { both } from "./support/connected.js";
import { pause } from "./support/pair.js";
import { Subscriber } from "./support/subscribed.js";

test("each taker gets the events from its subscription on, written once for all", async () => {
  let writes = 0;
  const json: Json = { parse: JSON.parse, stringify: (value) => (writes++, JSON.stringify(value)) };
  const topic = new Topic<{ n: number }>({ json });
  const handlers = { news: stream([], () => topic.subscribe()) };
  topic.publish({ n: 0 });
  const takers = await Promise.all([1, 2, 3].map(() => new Subscriber(handlers).greet()));
  for (const taker of takers) await taker.subscribe("news");
  topic.publish({ n: 1 });
  topic.publish({ n: 2 });
  for (const taker of takers) {
    assert.deepEqual(await taker.item(), { seq: 1, result: { n: 1 } });
    assert.deepEqual(await taker.item(), { seq: 2, result: { n: 2 } });
  }
  assert.equal(writes, 3);
});

test("who comes late gets the last events first, as many as are wanted and kept", async () => {
  const topic = new Topic<number>({ events: 3 });
  const taker = await new Subscriber({
    news: stream(["n"], (history: number) => topic.subscribe({ history })),
  }).greet();
  for (let n = 1; n <= 5; n++) topic.publish(n);
  await taker.subscribe("news", [2]);
  assert.deepEqual(await taker.item(), { seq: 1, result: 4 });
  assert.deepEqual(await taker.item(), { seq: 2, result: 5 });
  topic.publish(6);
  assert.deepEqual(await taker.item(), { seq: 3, result: 6 });
  await taker.subscribe("news", [100]);
  for (const [at, result] of [4, 5, 6].entries()) assert.deepEqual(await taker.item(), { seq: at + 1, result });
  await taker.raw.silent();
});

test("who falls behind what is kept gets a gap, and goes on with the oldest event that is kept", async () => {
  const topic = new Topic<number>({ events: 4 });
  const taker = await new Subscriber({ news: stream([], () => topic.subscribe()) }).greet({ window: 64 });
  const subscription = await taker.subscribe("news");
  topic.publish(1);
  assert.deepEqual(await taker.item(), { seq: 1, result: 1 });
  for (let n = 2; n <= 10; n++) {
    topic.publish(n);
    await pause();
  }
  await taker.raw.silent(); // there is no credit
  taker.notify("$/credit", { subscription, bytes: 1_000, seq: 1 });
  // One was taken for it already.
  assert.deepEqual(await taker.item(), { seq: 2, result: 2 });
  assert.deepEqual(await taker.item(), { seq: 7, result: 7 });
  for (let n = 8; n <= 10; n++) assert.deepEqual(await taker.item(), { seq: n, result: n });
});

test("a gap is an error, and the end, to a peer that knows of no numbers", async () => {
  const topic = new Topic<number>({ events: 2 });
  const taker = new Subscriber({ news: stream([], () => topic.subscribe()) }, { hello: "never" });
  await taker.subscribe("news");
  topic.publish(1);
  assert.deepEqual(await taker.item(), { result: 1 });
  for (let n = 2; n <= 5; n++) topic.publish(n);
  assert.deepEqual(await taker.item(), { error: { code: -32603, message: "2 items are missing" } });
  topic.publish(6);
  await taker.raw.silent();
});

test("what is kept is bounded by its length, too; the newest event is always kept", async () => {
  const topic = new Topic<string>({ length: 100 });
  const taker = await new Subscriber({ news: stream([], () => topic.subscribe({ history: 1_000 })) }).greet();
  for (let n = 0; n < 10; n++) topic.publish("x".repeat(40) + n);
  await taker.subscribe("news");
  for (const n of [8, 9]) assert.equal((await taker.item()).result, "x".repeat(40) + n);
  topic.publish("y".repeat(1_000));
  assert.deepEqual(await taker.item(), { seq: 3, result: "y".repeat(1_000) });
});

test("each taker sees what it may see", async () => {
  const topic = new Topic<{ text: string; secret: boolean; pay?: number }>();
  const view = (event: { text: string; secret: boolean; pay?: number }): View =>
    event.secret ? "hidden" : event.pay ? { part: { text: event.text } } : "all";
  const handlers = {
    all: stream([], () => topic.subscribe()),
    some: stream([], () => topic.subscribe({ history: 9, view })),
  };
  const taker = await new Subscriber(handlers).greet();
  topic.publish({ text: "a", secret: true });
  topic.publish({ text: "b", secret: false });
  await taker.subscribe("some");
  topic.publish({ text: "c", secret: true });
  topic.publish({ text: "d", secret: false, pay: 7 });
  // What is hidden leaves no trace.
  assert.deepEqual(await taker.item(), { seq: 1, result: { text: "b", secret: false } });
  assert.deepEqual(await taker.item(), { seq: 2, result: { text: "d" } });
  await taker.subscribe("all");
  topic.publish({ text: "e", secret: true });
  assert.deepEqual(await taker.item(), { seq: 1, result: { text: "e", secret: true } });
  await taker.raw.silent();
});

test("the end of a topic comes behind all events, as does its failure", async () => {
  for (const [error, said] of [
    [undefined, { done: true }],
    [new RpcError(7, "lost", { feed: "x" }), { error: { code: 7, message: "lost", data: { feed: "x" } } }],
    [new Error("secret"), { error: { code: -32603, message: "internal error" } }],
  ] as const) {
    const topic = new Topic<number>();
    const taker = await new Subscriber({ news: stream([], () => topic.subscribe({ history: 1 })) }).greet();
    await taker.subscribe("news");
    topic.publish(1);
    if (error) topic.fail(error);
    else topic.close();
    topic.fail(new RpcError(8, "too late"));
    assert.equal(topic.publish(2), 0);
    assert.deepEqual(await taker.item(), { seq: 1, result: 1 });
    assert.deepEqual(await taker.item(), { seq: 2, ...said });
    await taker.subscribe("news");
    assert.deepEqual(await taker.item(), { seq: 1, result: 1 });
    assert.deepEqual(await taker.item(), { seq: 2, ...said });
  }
});

test("a taker that leaves is not waited for, and one in this program gets the events themselves", async () => {
  const topic = new Topic<{ n: number }>();
  const { near } = both({ news: stream([], () => topic.subscribe()) });
  const items = subscribe<{ n: number }>(near, "news");
  const first = items.next();
  while (!items._hasBegun) await pause();
  assert.equal(topic.publish({ n: 1 }), 1);
  assert.deepEqual(await first, { done: false, value: { n: 1 } });
  assert.equal(topic.takers, 1);
  await items.return();
  while (topic.takers > 0) await pause();
  const taker = topic.subscribe();
  const waiting = taker.next();
  topic.publish({ n: 2 });
  assert.deepEqual(await waiting, { done: false, value: { n: 2 } });
  const last = taker.next();
  await taker.return!();
  assert.deepEqual(await last, { done: true, value: undefined });
  assert.equal(topic.takers, 0);
});

test("bytes in an event are base64 text", async () => {
  const topic = new Topic<{ bytes: Uint8Array; title?: string }>();
  const view = ({ bytes }: { bytes: Uint8Array }): View => ({ part: bytes });
  const handlers = { all: stream([], () => topic.subscribe()), some: stream([], () => topic.subscribe({ view })) };
  const taker = await new Subscriber(handlers).greet();
  const [first, second] = [await taker.subscribe("all"), await taker.subscribe("some")];
  topic.publish({ bytes: new Uint8Array([1, 2, 3]) });
  const items = [await taker.raw.next(), await taker.raw.next()].map(({ params }) => params);
  const result = (id: string): unknown => items.find(({ subscription }) => subscription === id).result;
  assert.deepEqual(result(first), { bytes: "AQID" });
  assert.equal(result(second), "AQID");
});
