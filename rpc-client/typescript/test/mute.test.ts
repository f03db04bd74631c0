/** Notifications that one end does not want. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch, bytes, Client, mutable, mute, skipped, unmute, type Link, type PeerOptions } from "../src/index.js";
import { closing, connect } from "./support/connected.js";
import { pair, pause, Raw } from "./support/pair.js";

const HELLO = { jsonrpc: "2.0", method: "$/hello", params: { duplex: 1 } };

function muting(method: unknown, muted: unknown): object {
  return { jsonrpc: "2.0", method: "$/mute", params: { method, muted } };
}

test("a known peer is told what is not wanted, as soon as it is known", async () => {
  const { raw, peer } = connect();
  mute(peer, "chat.typing");
  mute(peer, "chat.seen");
  unmute(peer, "chat.seen");
  unmute(peer, "chat.joined"); // was not muted
  await raw.silent();
  raw.send(HELLO);
  assert.equal((await raw.next()).method, "$/hello");
  assert.deepEqual(await raw.next(), muting("chat.typing", true));
  mute(peer, "chat.seen");
  assert.deepEqual(await raw.next(), muting("chat.seen", true));
  unmute(peer, "chat.typing");
  assert.deepEqual(await raw.next(), muting("chat.typing", false));
  for (let n = 1; n < 64; n++) mute(peer, `m${n}`);
  assert.throws(() => mute(peer, "m64"), RangeError);
  mute(peer, "m1");
  mute(peer, "chat.seen");
  for (let n = 1; n < 64; n++) assert.deepEqual(await raw.next(), muting(`m${n}`, true));
  await raw.silent();
});

test("a plain peer is told nothing", async () => {
  const { raw, peer } = connect({ hello: "never" });
  raw.send(HELLO);
  mute(peer, "chat.typing");
  unmute(peer, "chat.typing");
  await raw.silent();
});

/** A peer that knows of muting, and has heard hello. */
async function told(options: PeerOptions = {}): Promise<{ raw: Raw; peer: ReturnType<typeof connect>["peer"] }> {
  const { raw, peer } = connect({ features: [mutable], ...options });
  raw.send(HELLO);
  assert.equal((await raw.next()).method, "$/hello");
  return { raw, peer };
}

test("what was muted is not sent, and is counted", async () => {
  const { raw, peer } = await told();
  raw.send(muting("chat.typing", true));
  await pause();
  peer.notify("chat.typing", ["ada"]);
  peer.notify("chat.typing", ["ada"]);
  peer.notify("chat.say", ["hello"]);
  assert.deepEqual(await raw.next(), { jsonrpc: "2.0", method: "chat.say", params: ["hello"] });
  assert.equal(skipped(peer), 2);
  // Calls are not muted.
  void peer.call("chat.typing").catch(() => {});
  assert.equal((await raw.next()).method, "chat.typing");
  raw.send(muting("chat.typing", false));
  await pause();
  peer.notify("chat.typing", ["ada"]);
  assert.equal((await raw.next()).method, "chat.typing");
  assert.equal(skipped(peer), 2);
  await raw.silent();
});

test("what was muted is left out wherever it is sent: by handlers, and in batches", async () => {
  const { raw, peer } = await told({
    handlers: { tell: { serve: (_, { peer }) => peer.notify('"chat"\\.typing', [new Uint8Array(5_000)]) } },
    features: [mutable, bytes],
  });
  raw.send(muting('"chat"\\.typing', true));
  raw.send({ jsonrpc: "2.0", id: 1, method: "tell" });
  assert.equal((await raw.next()).id, 1);
  assert.equal(skipped(peer), 1);
  const batch = new Batch(peer);
  batch.notify('"chat"\\.typing', { jsonrpc: "2.0" });
  batch.send(); // nothing is left of it
  batch.notify('"chat"\\.typing');
  const call = batch.call("chat.say");
  batch.notify("chat.seen");
  batch.send();
  const [first, second, ...others] = await raw.next();
  assert.deepEqual([first.method, second.method, others], ["chat.say", "chat.seen", []]);
  assert.equal(skipped(peer), 3);
  raw.send({ jsonrpc: "2.0", id: first.id, result: 1 });
  assert.equal(await call, 1);
  await raw.silent();
});

test("what comes although it is muted is not run, and is counted", async () => {
  const heard: unknown[] = [];
  const { raw, peer } = connect({
    handlers: { typing: (who: unknown) => heard.push(who), said: () => heard.push("said") },
    hello: "never",
  });
  mute(peer, "typing");
  const typing = { jsonrpc: "2.0", method: "typing", params: ["ada"] };
  raw.send(typing);
  raw.send({ jsonrpc: "2.0", method: "said" });
  raw.send({ ...typing, id: 1 }); // a call is no notification
  assert.equal((await raw.next()).id, 1);
  assert.deepEqual(heard, ["said", "ada"]);
  assert.equal(skipped(peer), 1);
  unmute(peer, "typing");
  raw.send(typing);
  await pause();
  assert.deepEqual(heard, ["said", "ada", "ada"]);
});

test("no more is kept of what is muted than 64 names of 256 characters, and what is no name is ignored", async () => {
  const { raw, peer } = await told();
  const isSent = async (method: string): Promise<boolean> => {
    const before = skipped(peer);
    peer.notify(method);
    if (skipped(peer) > before) return false;
    assert.equal((await raw.next()).method, method);
    return true;
  };
  for (const method of [1, null, undefined, ["a"], "x".repeat(257)]) raw.send(muting(method, true));
  for (const muted of [1, null, "true", undefined]) raw.send(muting("odd", muted));
  await pause();
  assert.ok(await isSent("odd"));
  assert.ok(await isSent("x".repeat(257)));
  for (let n = 0; n < 70; n++) raw.send(muting(`m${n}`, true));
  await pause();
  assert.ok(!(await isSent("m0")));
  assert.ok(!(await isSent("m63")));
  assert.ok(await isSent("m64"));
  raw.send(muting("m0", false));
  raw.send(muting("m64", true));
  await pause();
  assert.ok(!(await isSent("m64")));
  assert.ok(await isSent("__proto__"));
});

const session = { keepMs: 120_000, buffer: 1 << 20, spreadMs: 0 };
const TOKENS = ["first-first-first-first", "second-second-second-second"];

test("a fresh session is told again, both ways, and a session that goes on is not", async () => {
  const waiting: ((link: Link) => void)[] = [];
  const dial = (): Promise<Link> => new Promise((resolve) => waiting.push(resolve));
  const client = new Client(dial, { minDelay: 1, maxDelay: 1, features: [mutable] });
  closing(client);
  const server = async (said: object): Promise<Raw> => {
    while (waiting.length === 0) await new Promise((next) => setTimeout(next, 1));
    const [near, far] = pair();
    const raw = new Raw(far);
    waiting.shift()!(near);
    assert.equal((await raw.next()).method, "$/hello");
    raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, session: { ...session, ...said } } });
    return raw;
  };
  mute(client, "chat.typing");
  const first = await server({ token: TOKENS[0] });
  assert.deepEqual(await first.next(), muting("chat.typing", true));
  assert.equal((await first.next()).method, "$/ack");
  first.send(muting("cursor", true));
  await pause();
  client.notify("cursor");
  assert.equal(skipped(client), 1);
  first.link.cut();
  // What is said while there is no link is said later.
  mute(client, "chat.seen");
  const second = await server({ token: TOKENS[0], resumed: true, received: 1 });
  const seen = [await second.next(), await second.next()].map(({ method }) => method);
  assert.deepEqual(seen.sort(), ["$/ack", "$/mute"]);
  client.notify("cursor");
  assert.equal(skipped(client), 2);
  await second.silent();
  second.link.cut();
  const third = await server({ token: TOKENS[1], refused: "unknown" });
  assert.equal((await third.next()).method, "$/ack");
  assert.deepEqual(await third.next(), muting("chat.typing", true));
  assert.deepEqual(await third.next(), muting("chat.seen", true));
  client.notify("cursor");
  assert.equal((await third.next()).method, "cursor");
  assert.equal(skipped(client), 2);
  await third.silent();
});
