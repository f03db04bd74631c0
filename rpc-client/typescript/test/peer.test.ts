/** A peer over a pipe, whose other end is text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Batch,
  CallError,
  ConnectError,
  GapError,
  liveness,
  method,
  overLink,
  overSocket,
  ready,
  report,
  RpcError,
  sendStream,
  service,
  subscribe,
  within,
  type Context,
  type Peer,
  type PeerOptions,
  type WebSocketLike,
} from "../src/index.js";
import { closing, connect } from "./support/connected.js";
import { pair, pause, Raw } from "./support/pair.js";

/** Says hello, and hears that of the peer. */
async function greet(raw: Raw, more: object = {}): Promise<void> {
  raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, ...more } });
  assert.equal((await raw.next()).method, "$/hello");
}

test("hello is the first message, unless the program says otherwise", async () => {
  const [near, far] = pair();
  const raw = new Raw(far);
  overLink(near);
  assert.equal((await raw.next()).method, "$/hello");
  const plain = connect({ hello: "never" });
  plain.raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1 } });
  await plain.raw.silent();
});

test("who asks for unstable methods says so in its hello", async () => {
  for (const options of [{}, { unstable: true }]) {
    const { raw } = connect({ hello: "always", ...options });
    assert.equal((await raw.next()).params.unstable, (options as PeerOptions).unstable);
  }
});

test("ids begin at 1 towards a known peer, and far above what clients use towards another", async () => {
  const known = connect();
  await greet(known.raw);
  void known.peer.call("m").catch(() => {});
  assert.equal((await known.raw.next()).id, 1);
  const stranger = connect();
  void stranger.peer.call("m").catch(() => {});
  assert.ok((await stranger.raw.next()).id > 2 ** 30);
});

test("what is made in one turn leaves together, and what is alone as ever", async () => {
  const { raw, peer } = connect();
  await greet(raw, { sequences: true });
  for (const n of [1, 2]) void peer.call("m", [n]).catch(() => {});
  peer.notify("n", [3]);
  const params = [];
  for (let n = 0; n < 3; n++) params.push((await raw.next()).params);
  assert.deepEqual(params, [[1], [2], [3]]);
  peer.notify("n", [4]);
  await raw.next();
  assert.deepEqual(raw.sizes, [1, 3, 1]);
});

test("answers to messages that came together leave together", async () => {
  const { raw } = connect({ handlers: { later: async (n: number) => n, now: (n: number) => n } });
  await greet(raw, { sequences: true });
  const request = (id: number, method: string): string => JSON.stringify({ jsonrpc: "2.0", id, method, params: [id] });
  raw.send(["later", "now", "later"].map((method, id) => `\x1e${request(id, method)}\n`).join(""));
  const results = [];
  for (let n = 0; n < 3; n++) results.push((await raw.next()).result);
  assert.deepEqual(results, [1, 0, 2]);
  assert.deepEqual(raw.sizes, [1, 3]);
});

test("a long message goes alone and in its place, and a sequence has an end", async () => {
  const { raw, peer } = connect();
  await greet(raw, { sequences: true });
  const lengths = [10, 4_200, 10, ...Array.from({ length: 40 }, () => 3_000)];
  for (const length of lengths) peer.notify("n", ["x".repeat(length)]);
  const received = [];
  for (let n = 0; n < lengths.length; n++) received.push((await raw.next()).params[0].length);
  assert.deepEqual(received, lengths);
  assert.deepEqual(raw.sizes, [1, 1, 1, 22, 19]);
});

test("a close goes behind what was sent in its turn", async () => {
  const { raw, peer } = connect();
  await greet(raw, { sequences: true });
  peer.notify("n", [1]);
  peer.notify("n", [2]);
  peer.close();
  assert.deepEqual([(await raw.next()).params, (await raw.next()).params], [[1], [2]]);
  assert.equal(raw.closed?.code, 1000);
});

test("a call that is alone leaves in the turn in which it is made", async () => {
  const socket = new Socket();
  const peer = overLink(await overSocket(socket), { hello: "auto" });
  closing(peer);
  const hello = { jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, sequences: true } };
  socket.listeners.get("message")!({ data: JSON.stringify(hello) });
  void peer.call("m", [1]).catch(() => {});
  await new Promise(process.nextTick); // behind all microtasks
  assert.deepEqual(JSON.parse(socket.sent.at(-1)!).params, [1]);
});

test("a thousand calls need one timer", async (context) => {
  const { raw, peer } = connect();
  await greet(raw);
  const timers = context.mock.method(globalThis, "setTimeout");
  const calls = Array.from({ length: 1_000 }, (_, n) => peer.call("m", [n]));
  assert.equal(timers.mock.callCount(), 1);
  peer.close();
  await Promise.allSettled(calls);
});

test("a request makes no signal that nobody asks for", async () => {
  const { AbortController } = globalThis;
  let made = 0;
  globalThis.AbortController = class extends AbortController {
    constructor() {
      super();
      made++;
    }
  };
  try {
    const handlers = { plain: async () => 1, asks: method([], (context: Context) => context.signal.aborted) };
    const { raw } = connect({ handlers });
    for (const method of ["plain", "asks"]) raw.send({ jsonrpc: "2.0", id: method, method, timeoutMs: 9_000 });
    assert.deepEqual([(await raw.next()).id, (await raw.next()).id].sort(), ["asks", "plain"]);
    assert.equal(made, 1);
  } finally {
    globalThis.AbortController = AbortController;
  }
});

test("the end of the link ends all calls, and says whether they may have run", async () => {
  const { raw, peer } = connect();
  const call = peer.call("m");
  raw.link.close(1001, "restart");
  await assert.rejects(call, { failure: "closed", fate: "MaybeExecuted" });
  assert.deepEqual(await peer.closed, { by: "peer", code: 1001, reason: "restart" });
  await assert.rejects(peer.call("m"), { failure: "closed", fate: "NotSent" });
  assert.throws(() => peer.notify("m"), CallError);
});

test("params that are no JSON, or too long, are not sent", async () => {
  const { raw, peer } = connect({ limits: { messageOut: 100 } });
  const circle: unknown[] = [];
  circle.push(circle);
  await assert.rejects(peer.call("m", circle), { failure: "unsendable", fate: "NotSent" });
  await assert.rejects(peer.call("m", [1n]), { failure: "unsendable" });
  await assert.rejects(peer.call("m", ["x".repeat(100)]), { failure: "unsendable" });
  await raw.silent();
});

test("a signal that is aborted already keeps the call from being sent", async () => {
  const { raw, peer } = connect();
  const options = { signal: AbortSignal.abort("why") };
  const expected = { fate: "NotSent", cause: "why" };
  await assert.rejects(peer.call("m", [], options), expected);
  await assert.rejects(subscribe(peer, "m", [], options).next(), expected);
  const batch = new Batch(peer);
  const call = batch.call("m", [], options);
  batch.send();
  await assert.rejects(call, expected);
  await raw.silent();
});

test("a slow link refuses more, and tells when there is room", async () => {
  const { raw, peer } = connect();
  raw.link.other.held = 1 << 20;
  assert.throws(() => peer.notify("m"), { failure: "busy", fate: "NotSent" });
  await assert.rejects(peer.call("m"), { failure: "busy", fate: "NotSent" });
  let hasRoom = false;
  const room = ready(peer).then(() => (hasRoom = true));
  await pause();
  assert.equal(hasRoom, false);
  raw.link.other.held = 0;
  await room;
  peer.notify("m");
});

test("the time of a call begins anew with each item of its stream, so the other end is told of none", async () => {
  const { raw, peer } = connect({ timeout: 1_000 });
  await greet(raw);
  async function* slow(): AsyncGenerator<number> {
    for (let n = 1; n <= 10; n++) {
      yield n;
      await new Promise((next) => setTimeout(next, 150));
    }
  }
  const call = peer.call("sum", [sendStream(slow())]);
  const { id, timeoutMs } = await raw.next();
  assert.equal(timeoutMs, undefined);
  for (let n = 1; n <= 10; n++) assert.equal((await raw.next()).params.result, n);
  raw.send({ jsonrpc: "2.0", id, result: 55 });
  assert.equal(await call, 55);
});

test("a time that was given for a call is all of its time, whatever goes with the call", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  async function* endless(): AsyncGenerator<number> {
    for (;;) {
      yield 1;
      await new Promise((next) => setTimeout(next, 10));
    }
  }
  const call = peer.call("sum", [sendStream(endless())], { timeout: 100 });
  call.catch(() => {});
  assert.ok((await raw.next()).timeoutMs <= 100);
  await assert.rejects(call, { failure: "timeout" });
});

test("room is noticed with a message, as where a page is hidden and its timers are slow", async (context) => {
  const { raw, peer } = connect();
  raw.link.other.held = 1 << 20;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const rooms = Promise.all([ready(peer), ready(peer)]);
  raw.link.other.held = 0;
  raw.send({ jsonrpc: "2.0", method: "n" });
  await rooms;
});

test("more requests than may be served are busy; a cancelled one keeps its place until it has ended", async () => {
  const ends: (() => void)[] = [];
  const handlers = { wait: () => new Promise<void>((resolve) => ends.push(resolve)) };
  const { raw } = connect({ handlers, limits: { serving: 2 } });
  for (const id of [1, 2, 3]) raw.send({ jsonrpc: "2.0", id, method: "wait" });
  assert.deepEqual((await raw.next()).error.data, { kind: "busy" });
  raw.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
  assert.equal((await raw.next()).error.code, -32800);
  raw.send({ jsonrpc: "2.0", id: 4, method: "wait" });
  assert.equal((await raw.next()).error.code, -32009);
  ends[0]!();
  await pause();
  raw.send({ jsonrpc: "2.0", id: 5, method: "wait" });
  await raw.silent();
});

test("a handler hears that nobody waits any more", async () => {
  const reasons: unknown[] = [];
  const handlers = {
    wait: method([], ({ signal }: Context) => {
      signal.addEventListener("abort", () => reasons.push((signal.reason as CallError).failure));
      return new Promise(() => {});
    }),
  };
  const { raw, peer } = connect({ handlers });
  raw.send({ jsonrpc: "2.0", id: 1, method: "wait" });
  raw.send({ jsonrpc: "2.0", id: 2, method: "wait", timeoutMs: 5 });
  raw.send({ jsonrpc: "2.0", id: 3, method: "wait" });
  raw.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
  assert.equal((await raw.next()).id, 1);
  assert.equal((await raw.next()).error.code, -32012);
  peer.close();
  assert.deepEqual(reasons, ["cancelled", "timeout", "closed"]);
});

test("notifications are handled one after the other, and requests wait for none", async () => {
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const handlers = {
    slow: async (name: string) => {
      log.push(`begin ${name}`);
      await new Promise<void>((resolve) => ends.push(resolve));
      log.push(`end ${name}`);
    },
    quick: () => void log.push("quick"),
    ask: () => log.push("ask"),
  };
  const { raw } = connect({ handlers });
  raw.send({ jsonrpc: "2.0", method: "slow", params: ["a"] });
  raw.send({ jsonrpc: "2.0", method: "quick" });
  raw.send({ jsonrpc: "2.0", method: "slow", params: ["b"] });
  raw.send({ jsonrpc: "2.0", id: 1, method: "ask" });
  await raw.next();
  ends[0]!();
  await pause();
  ends[1]!();
  await pause();
  assert.deepEqual(log, ["begin a", "ask", "end a", "quick", "begin b", "end b"]);
});

test("notifications that no handler comes to end the connection", async () => {
  const { raw, peer } = connect({ handlers: { stuck: () => new Promise(() => {}) }, limits: { serving: 3 } });
  for (let n = 0; n < 4; n++) raw.send({ jsonrpc: "2.0", method: "stuck" });
  assert.equal((await peer.closed).code, 1008);
});

test("a message that is too long ends the connection", async () => {
  const { raw, peer } = connect({ limits: { messageIn: 100 } });
  raw.send({ jsonrpc: "2.0", method: "m", params: ["x".repeat(100)] });
  assert.equal((await peer.closed).code, 1009);
});

test("an answer that is too long, or no JSON, is an error", async () => {
  const handlers = { long: () => "x".repeat(200), odd: () => 1n, none: () => undefined };
  const { raw } = connect({ handlers, limits: { messageOut: 150 } });
  const codes = [];
  for (const [id, method] of ["long", "odd"].entries()) {
    raw.send({ jsonrpc: "2.0", id, method });
    codes.push((await raw.next()).error.code);
  }
  assert.deepEqual(codes, [-32008, -32603]);
  raw.send({ jsonrpc: "2.0", id: 3, method: "none" });
  assert.deepEqual(await raw.next(), { jsonrpc: "2.0", id: 3, result: null });
});

test("an error whose data is no JSON is answered as well", async () => {
  const told: unknown[] = [];
  const fail = (): never => {
    throw new RpcError(1, "of the application", 1n);
  };
  const { raw } = connect({ handlers: { now: fail, later: async () => fail() }, onError: (error) => told.push(error) });
  for (const method of ["now", "later"]) {
    raw.send({ jsonrpc: "2.0", id: method, method });
    assert.deepEqual((await raw.next()).error, { code: -32603, message: "internal error" });
  }
  assert.equal(told.length, 2);
});

test("an answer that stands for none is a failure, if its kind says so", async () => {
  const { raw, peer } = connect();
  for (const [code, kind, expected] of [
    [-32009, "busy", { failure: "busy", fate: "NotSent" }],
    [-32012, "deadline", { failure: "timeout", fate: "MaybeExecuted" }],
    [-32014, "interrupted", { failure: "closed", fate: "MaybeExecuted" }],
    [-32800, "cancelled", { failure: "cancelled" }],
    [-32009, "other", { name: "RpcError", code: -32009 }],
    [-5, "busy", { name: "RpcError", code: -5, kind: "busy" }],
  ] as const) {
    const call = peer.call("m");
    raw.send({ jsonrpc: "2.0", id: (await raw.next()).id, error: { code, message: "x", data: { kind } } });
    await assert.rejects(call, expected);
  }
});

test("what is no JSON-RPC is given to who asks for it", async () => {
  const foreign: string[] = [];
  const { raw } = connect({ onForeign: (text) => foreign.push(text) });
  for (const text of ['{"event":"volume"}', "not JSON", '"text"', ""]) raw.send(text);
  await raw.silent();
  assert.deepEqual(foreign, ['{"event":"volume"}', "not JSON", '"text"']);
});

test("messages without a version are taken by who says so", async () => {
  const { raw } = connect({ lenient: true, handlers: { m: () => 1 } });
  raw.send({ id: 1, method: "m" });
  assert.equal((await raw.next()).result, 1);
});

test("a service has the names, the order and the optional params that it declares", async () => {
  interface Greeter {
    greet(name: string, greeting: string | undefined, context: Context): string;
  }
  const greeter: Greeter = { greet: (name, greeting = "hello", { method }) => `${greeting}, ${name}, by ${method}` };
  const { raw } = connect({ handlers: service<Greeter>("chat.", { greet: ["name", "greeting?"] }, greeter) });
  const ask = async (params: unknown): Promise<unknown> => {
    raw.send({ jsonrpc: "2.0", id: 1, method: "chat.greet", params });
    const { result, error } = await raw.next();
    return result ?? error;
  };
  assert.equal(await ask(["Ada"]), "hello, Ada, by chat.greet");
  assert.equal(await ask({ greeting: "hi", name: "Ada" }), "hi, Ada, by chat.greet");
  assert.deepEqual(await ask({ greeting: "hi" }), { code: -32602, message: "parameter `name` is missing" });
  assert.deepEqual(await ask({ name: "Ada", x: 1 }), { code: -32602, message: "unknown parameter `x`" });
  assert.deepEqual(await ask([1, 2, 3]), { code: -32602, message: "takes 2 params, got 3" });
});

test("a call on behalf of another ends with it, and has no more time", async () => {
  const handlers = {
    relay: method([], (context: Context) => context.peer.call("theirs", [], within(context, { timeout: 60_000 }))),
  };
  const { raw } = connect({ handlers });
  await greet(raw);
  raw.send({ jsonrpc: "2.0", id: "r", method: "relay", timeoutMs: 5_000 });
  const { id, timeoutMs } = await raw.next();
  assert.ok(timeoutMs <= 5_000);
  raw.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "r" } });
  assert.deepEqual((await raw.next()).params, { id });
  assert.equal((await raw.next()).error.code, -32800);
});

test("reports of progress have the token of other protocols as well", async () => {
  const handlers = { m: method(["_meta?", "workDoneToken?"], (_, __, context: Context) => report(context, 1)) };
  const { raw } = connect({ handlers });
  for (const params of [{ _meta: { progressToken: 7 } }, { workDoneToken: "t" }]) {
    raw.send({ jsonrpc: "2.0", id: 1, method: "m", params });
    assert.ok([7, "t"].includes((await raw.next()).params.token));
    await raw.next();
  }
});

test("a batch is split by what the other end takes, and once more after a refusal", async () => {
  const { raw, peer } = connect();
  await greet(raw, { batch: 4 });
  const batch = new Batch(peer);
  const calls = Array.from({ length: 6 }, (_, n) => batch.call("m", [n]));
  batch.notify("n");
  batch.send();
  const first = await raw.next();
  const second = await raw.next();
  assert.deepEqual([first.length, second.length], [4, 3]);
  raw.send({ jsonrpc: "2.0", id: null, error: { code: -32010, message: "", data: { kind: "batch_too_big", max: 2 } } });
  const halves = [await raw.next(), await raw.next()];
  assert.deepEqual(
    halves.map((half) => half.map(({ params }: any) => params[0])),
    [
      [0, 1],
      [2, 3],
    ],
  );
  for (const { id, params } of [...halves.flat(), ...second])
    if (params) raw.send({ jsonrpc: "2.0", id, result: params[0] });
  assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4, 5]);
});

test("an error without an id ends a batch that is alone on the wire", async () => {
  const { raw, peer } = connect();
  const batch = new Batch(peer);
  const call = batch.call("m");
  batch.send();
  await raw.next();
  raw.send({ jsonrpc: "2.0", id: null, error: { code: -32600, message: "no batches" } });
  await assert.rejects(call, { code: -32600 });
});

test("without `batchAnswers` each request of a batch is answered by itself", async () => {
  const { raw } = connect({ handlers: { m: () => 1 } });
  raw.send([
    { jsonrpc: "2.0", id: 1, method: "m" },
    { jsonrpc: "2.0", id: 2, method: "m" },
  ]);
  assert.deepEqual([(await raw.next()).id, (await raw.next()).id], [1, 2]);
});

/** A subscription under the id `s`, and the peer's side of it. */
async function subscribed(raw: Raw, peer: Peer, options = {}): Promise<ReturnType<typeof subscribe<unknown>>> {
  const items = subscribe(peer, "news", [], options);
  raw.send({ jsonrpc: "2.0", id: (await raw.next()).id, result: "s" });
  return items;
}

function item(seq: number, more: object): object {
  return { jsonrpc: "2.0", method: "news", params: { subscription: "s", seq, ...more } };
}

test("credit is given when half of the window was consumed, and grows while the consumer keeps up", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  const items = await subscribed(raw, peer);
  const text = "x".repeat(16_382); // with its quotes a quarter of the window
  let seq = 0;
  const granted: number[] = [];
  for (let round = 0; round < 3; round++) {
    while (granted.length === round) {
      raw.send(item(++seq, { result: text }));
      await items.next();
      const credit = await raw.arrived();
      if (credit) granted.push(credit.params.bytes);
      if (seq > 64) break;
    }
  }
  assert.deepEqual(granted, [32_768 + 65_536, 65_536 + 131_072, 131_072 + 262_144]);
});

test("an item that asks for it is acknowledged as soon as it is consumed", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  const items = await subscribed(raw, peer);
  raw.send(item(1, { ack: true, result: 1 }));
  await raw.silent();
  await items.next();
  assert.deepEqual((await raw.next()).params, { subscription: "s", bytes: 64, seq: 1 });
});

test("items beyond the credit are a gap, and take no memory", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  const items = await subscribed(raw, peer);
  const text = "x".repeat(70_000);
  for (let seq = 1; seq <= 10; seq++) raw.send(item(seq, { result: text }));
  await pause();
  assert.equal((await items.next()).value, text);
  await assert.rejects(items.next(), (error) => error instanceof GapError && error.missed === 9);
  assert.equal((await items.next()).done, true);
});

test("bytes of credit are those of UTF-8", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  const items = await subscribed(raw, peer);
  const text = "é€😀".repeat(4_000); // 36,000 bytes
  raw.send(item(1, { result: text }));
  await items.next();
  assert.equal((await raw.next()).params.bytes, 36_002 + 65_536);
});

test("a subscription that is left before its answer is ended when the answer comes", async () => {
  const { raw, peer } = connect();
  const items = subscribe(peer, "ns.news");
  const { id } = await raw.next();
  await items.return();
  raw.send({ jsonrpc: "2.0", id, result: 7 });
  const { method, params } = await raw.next();
  assert.deepEqual([method, params], ["ns.unsubscribe_news", [7]]);
});

test("items that are ready together leave together", async () => {
  const { raw, peer } = connect();
  await greet(raw, { sequences: true });
  void peer.call("sum", [sendStream([1, 2, 3])]).catch(() => {});
  for (let n = 0; n < 5; n++) await raw.next(); // the call, the items, the end
  assert.deepEqual(raw.sizes, [1, 5]);
});

test("a stream as argument needs a peer that knows of streams", async () => {
  const { raw, peer } = connect();
  const call = peer.call("sum", [sendStream([1])]);
  await raw.silent();
  raw.send({ jsonrpc: "2.0", method: "anything" });
  await assert.rejects(call, { failure: "unsendable", fate: "NotSent" });
  await raw.silent();
});

test("a source that fails ends its stream without a word about the inside", async () => {
  const { raw, peer } = connect();
  await greet(raw);
  for (const [thrown, code] of [
    [new Error("secret"), -32603],
    [new RpcError(5, "told"), 5],
  ] as const) {
    void peer
      .call("sum", [
        sendStream(
          (function* () {
            throw thrown;
          })(),
        ),
      ])
      .catch(() => {});
    await raw.next();
    const { error } = (await raw.next()).params;
    assert.equal(error.code, code);
    assert.ok(!JSON.stringify(error).includes("secret"));
  }
});

test("a source hears that its stream was stopped", async () => {
  const { raw, peer } = connect();
  await greet(raw, { window: 1 });
  let isClosed = false;
  const source = (function* () {
    try {
      for (;;) yield 1;
    } finally {
      isClosed = true;
    }
  })();
  const call = peer.call("sum", [sendStream(source)]);
  const { id } = await raw.next();
  await raw.next();
  raw.send({ jsonrpc: "2.0", id, result: 1 });
  assert.equal(await call, 1);
  await pause();
  assert.ok(isClosed);
});

test("a link over which nothing comes is given up after a ping", async () => {
  const { raw, peer } = connect({ features: [liveness({ deadAfter: 40 })] });
  assert.equal((await raw.next()).method, "$/ping");
  assert.equal((await peer.closed).by, "link");
});

/** A WebSocket of a browser, which lets a page close with few codes. */
class Socket implements WebSocketLike {
  readyState = 1;
  bufferedAmount = 0;
  binaryType = "blob";
  readonly sent: string[] = [];
  readonly closes: unknown[] = [];
  readonly listeners = new Map<string, (event: any) => void>();
  send(text: string): void {
    this.sent.push(text);
  }
  close(code?: number, reason?: string): void {
    if (code !== 1000 && !(code! >= 3000)) throw new Error("InvalidAccessError");
    this.closes.push([code, reason]);
  }
  addEventListener(type: string, listener: (event: any) => void): void {
    this.listeners.set(type, listener);
  }
}

test("binary messages that are UTF-8 count as text, others end the link", async () => {
  const socket = new Socket();
  const peer = overLink(await overSocket(socket), { handlers: { m: () => 1 } });
  assert.equal(socket.binaryType, "arraybuffer");
  const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer;
  socket.listeners.get("message")!({ data: bytes('{"jsonrpc":"2.0","id":1,"method":"m"}') });
  assert.equal(socket.sent.at(-1), '{"jsonrpc":"2.0","id":1,"result":1}');
  socket.listeners.get("message")!({ data: new Uint8Array([0xff, 0xfe]).buffer });
  await peer.closed;
  // A page may not use 1003.
  assert.deepEqual(socket.closes, [[3003, "binary"]]);
});

test("an attempt that fails says what the WebSocket tells", async () => {
  const attempt = async (message?: string): Promise<unknown> => {
    const socket = new Socket();
    socket.readyState = 0;
    const link = overSocket(socket);
    // That of Node 20 tells of no close.
    socket.listeners.get("error")!(message === undefined ? {} : { message });
    const { status, cause } = await link.then(
      () => assert.fail("no link"),
      (error: ConnectError) => error,
    );
    return [status, cause];
  };
  assert.deepEqual(await attempt("Unexpected server response: 403"), [403, undefined]);
  assert.deepEqual(await attempt("connect ECONNREFUSED 127.0.0.1:1"), [undefined, "ECONNR"]);
  assert.deepEqual(await attempt("Received network error or non-101 status code."), [undefined, undefined]);
  assert.deepEqual(await attempt(), [undefined, undefined]);
});
