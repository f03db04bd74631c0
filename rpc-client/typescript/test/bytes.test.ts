/** Bytes beside the text of a message. */

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import {
  Batch,
  bytes,
  bytesOf,
  Client,
  connect as connectTo,
  exactJson,
  method,
  offers,
  overLink,
  sendStream,
  subscribe,
  type Link,
  type Peer,
  type PeerOptions,
} from "../src/index.js";
import { closing, connect as connected } from "./support/connected.js";
import { binaryMessage, pair, pause, Raw } from "./support/pair.js";
import { generator } from "./support/random.js";
import { Reference } from "./support/reference.js";

function connect(options: PeerOptions = {}): { raw: Raw; peer: Peer } {
  return connected({ features: [bytes], ...options });
}

async function greet(raw: Raw, more: object = { bytes: true }): Promise<void> {
  raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, ...more } });
  assert.equal((await raw.next()).params.bytes, true);
}

const some = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) % 256);
const base64 = (value: Uint8Array): string => Buffer.from(value).toString("base64");

const echo = { echo: (value: unknown) => value, kind: (value: unknown) => value instanceof Uint8Array };

test("bytes arrive beside the text, at any depth, and leave so", async () => {
  const { raw, peer } = connect({ handlers: echo });
  await greet(raw);
  const long = some(5_000);
  raw.link.send(binaryMessage('{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"é":["",1,""]}]}', long, some(3)));
  const answer = await raw.binary();
  assert.deepEqual(
    answer,
    new Uint8Array(binaryMessage(`{"jsonrpc":"2.0","id":1,"result":{"é":["",1,"${base64(some(3))}"]}}`, long)),
  );
  const call = peer.call("m", { a: long, b: [long] });
  const sent = Buffer.from(await raw.binary());
  assert.equal(sent[1], 2);
  const { id, params } = JSON.parse(sent.subarray(2 + 16 + 10_000).toString());
  assert.deepEqual(params, { a: "", b: [""] });
  raw.link.send(binaryMessage(`{"jsonrpc":"2.0","id":${id},"result":""}`, some(2)));
  assert.deepEqual(await call, some(2));
});

test("short bytes, and bytes to who takes none, leave as base64 text", async () => {
  const { raw, peer } = connect();
  peer.notify("n", [some(4_096)]);
  assert.deepEqual((await raw.next()).params, [base64(some(4_096))]);
  await greet(raw, {});
  peer.notify("n", [some(4_096)]);
  assert.deepEqual((await raw.next()).params, [base64(some(4_096))]);
  const other = connect();
  await greet(other.raw);
  other.peer.notify("n", [some(4_095)]);
  assert.deepEqual((await other.raw.next()).params, [base64(some(4_095))]);
  const batch = new Batch(other.peer);
  batch.notify("n", [some(4_096)]);
  batch.send();
  assert.deepEqual((await other.raw.next())[0].params, [base64(some(4_096))]);
  assert.deepEqual(bytesOf(base64(some(1_000))), some(1_000));
  assert.deepEqual(bytesOf(some(10)), some(10));
});

test("a link that carries text alone carries bytes as base64 text", async () => {
  const [near, far] = pair();
  near.binary = false;
  const raw = new Raw(far);
  const peer = overLink(near, { features: [bytes], hello: "auto" });
  closing(peer);
  raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, bytes: true } });
  assert.notEqual((await raw.next()).params.bytes, true, "the other end is to send none");
  peer.notify("n", [some(5_000)]);
  assert.deepEqual((await raw.next()).params, [base64(some(5_000))]);
});

test("a head that does not fit ends the link", async () => {
  const good = [...binaryMessage('{"jsonrpc":"2.0","id":1,"method":"kind","params":[""]}', some(3))];
  const wrong: [string, (message: number[]) => number[]][] = [
    ["no bytes", (it) => [it[0]!, 0, ...it.slice(2)]],
    ["more than there are", (it) => [it[0]!, 200, ...it.slice(2)]],
    ["a place without quotes", (it) => it.with(5, 3)],
    ["a place behind the end", (it) => it.with(2, 255)],
    ["too long", (it) => it.with(6, 255)],
    ["cut", (it) => it.slice(0, 7)],
    ["only the first byte", () => [0xff]],
    ["no UTF-8", (it) => it.with(-10, 0xff)],
  ];
  for (const [what, change] of wrong) {
    const { raw, peer } = connect({ handlers: echo });
    await greet(raw);
    raw.link.send(Uint8Array.from(change(good)));
    assert.equal((await peer.closed).code, 1003, what);
  }
  const { raw } = connect({ handlers: echo });
  await greet(raw);
  raw.link.send(Uint8Array.from(good));
  assert.equal((await raw.next()).result, true);
});

test("the message stands for the text with base64 wherever its bytes are no value", async () => {
  const { raw, peer } = connect({
    handlers: { ...echo, late: method(["a"], (a: unknown) => seen.push(a), { json: exactJson }) },
  });
  const seen: unknown[] = [];
  await greet(raw);
  raw.link.send(binaryMessage('{"jsonrpc":"2.0","id":"","method":"kind","params":[""]}', some(3), some(3)));
  assert.deepEqual(await raw.next(), { jsonrpc: "2.0", id: base64(some(3)), result: false });
  raw.link.send(binaryMessage('{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"":""}]}', some(3)));
  assert.deepEqual((await raw.next()).result, { [base64(some(3))]: "" });
  raw.link.send(binaryMessage('[{"jsonrpc":"2.0","id":1,"method":"kind","params":[""]}]', some(3)));
  assert.equal((await raw.next()).result, false);
  raw.link.send(binaryMessage('{"jsonrpc":"2.0","method":"late","params":[""]}', some(3)));
  await pause();
  assert.deepEqual(seen, [base64(some(3))]);
  raw.link.send(binaryMessage('no JSON ""', some(3)));
  await raw.silent();
  assert.equal(peer._core._end, undefined);
});

test("limits and credit count the base64 text", async () => {
  const { raw, peer } = connect({ limits: { messageIn: 10_000, messageOut: 10_000 }, handlers: echo });
  await greet(raw);
  await assert.rejects(peer.call("m", [some(8_000)]), { failure: "unsendable" });
  const items = subscribe(peer, "news");
  raw.send({ jsonrpc: "2.0", id: (await raw.next()).id, result: "s" });
  let seq = 0;
  const item = some(7_000); // 9,336 characters, and quotes
  for (let n = 0; n < 4; n++) {
    const head = `{"jsonrpc":"2.0","method":"news","params":{"subscription":"s","seq":${++seq},`;
    raw.link.send(binaryMessage(`${head}"result":""}}`, item));
    assert.deepEqual((await items.next()).value, item);
  }
  assert.equal((await raw.next()).params.bytes, 4 * 9_338 + 65_536);
  raw.link.send(binaryMessage('{"jsonrpc":"2.0","id":1,"method":"kind","params":[""]}', some(8_000)));
  assert.equal((await peer.closed).code, 1009);
});

test("items of a stream leave as bytes, within their credit", async () => {
  const { raw, peer } = connect();
  await greet(raw, { bytes: true, window: 12_000 });
  const call = peer.call("sum", [sendStream([some(6_000), some(6_001), some(6_002)])]);
  const { id, params } = await raw.next();
  const first = Buffer.from(await raw.binary());
  const second = Buffer.from(await raw.binary());
  assert.deepEqual(new Uint8Array(second.subarray(10, 10 + 6_001)), some(6_001));
  assert.deepEqual(JSON.parse(first.subarray(10 + 6_000).toString()).params, {
    subscription: params[0].$stream,
    seq: 1,
    result: "",
  });
  await raw.silent();
  raw.send({ jsonrpc: "2.0", method: "$/credit", params: { subscription: params[0].$stream, bytes: 9_000, seq: 1 } });
  assert.equal(Buffer.from(await raw.binary()).length > 6_002, true);
  raw.send({ jsonrpc: "2.0", id, result: 1 });
  assert.equal(await call, 1);
});

test("bytes do not change on their way, and leave again over each link as it takes them", async () => {
  const links: Raw[] = [];
  const dial = async (): Promise<Link> => {
    const [near, far] = pair();
    links.push(new Raw(far));
    return near;
  };
  const client = new Client(dial, { features: [bytes, offers({ serves: {}, calls: {} })], minDelay: 1, maxDelay: 1 });
  closing(client);
  await pause();
  const session = { token: "first-first-first-first", keepMs: 60_000, buffer: 1 << 20, spreadMs: 0 };
  const hello = (more: object, bytes: boolean): object => ({
    jsonrpc: "2.0",
    method: "$/hello",
    params: { duplex: 1, bytes, session: { ...session, ...more } },
  });
  assert.equal((await links[0]!.next()).params.bytes, true);
  links[0]!.send(hello({}, true));
  await links[0]!.next();
  const mine = some(5_000);
  client.notify("n", [mine]);
  mine.fill(0);
  assert.deepEqual(new Uint8Array((await links[0]!.binary()).subarray(10, 5_010)), some(5_000));
  links[0]!.link.cut();
  while (links.length < 2) await new Promise((next) => setTimeout(next, 1));
  assert.equal((await links[1]!.next()).params.session.received, 0);
  links[1]!.send(hello({ resumed: true, received: 0 }, false));
  assert.equal((await links[1]!.next()).method, "$/ack");
  assert.deepEqual((await links[1]!.next()).params, [base64(some(5_000))]);
});

test("a peer takes any bytes", async () => {
  const random = generator(9);
  const texts = [
    '{"jsonrpc":"2.0","id":1,"method":"echo","params":["",{"a":""}]}',
    '{"jsonrpc":"2.0","method":"echo","params":[""]}',
    '{"jsonrpc":"2.0","method":"x","params":{"subscription":"","seq":1,"result":""}}',
    '{"jsonrpc":"2.0","id":1,"result":""}',
    '["",""]',
  ];
  for (let run = 0; run < 2_000; run++) {
    const { raw, peer } = connect({ handlers: echo });
    const good = binaryMessage(texts[random(texts.length)]!, some(random(20)));
    if (random(4) > 0) good[random(good.length)] = random(256);
    raw.link.send(good.subarray(0, random(4) === 0 ? random(good.length) : undefined));
    await pause();
    assert.ok([undefined, 1003].includes(peer._core._end?.code));
    peer.close();
  }
});

test("the reference server sends and takes bytes", async () => {
  const server = await Reference.start();
  let binary = 0;
  class Counting extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      this.on("message", (_, isBinary) => (binary += Number(isBinary)));
    }
    override send(message: any): void {
      binary += Number(typeof message !== "string");
      super.send(message);
    }
  }
  const peer = await connectTo(server.url, { WebSocket: Counting, features: [bytes] });
  closing(peer);
  await peer.call("add", [1, 1]);
  const up = some(100_000);
  // It echoes any JSON, so the bytes come back as text.
  assert.deepEqual(bytesOf(await peer.call<string>("echo", [up])), up);
  assert.equal(binary, 1);
  let down = 0;
  for await (const chunk of subscribe<string | Uint8Array>(peer, "bytes", [1_000_000, 65_536])) {
    assert.equal(chunk instanceof Uint8Array, chunk.length >= 4_096 && typeof chunk !== "string");
    down += bytesOf(chunk).length;
  }
  assert.equal(down, 1_000_000);
  assert.ok(binary >= 16, `${binary}`);
  await server.stop();
});
