/** Links over server-sent events and `POST`, against the reference server. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, createServer as createTcp, type AddressInfo, type Socket } from "node:net";
import { after, before, test } from "node:test";
import WebSocket, { WebSocketServer } from "ws";
import {
  Client,
  overLink,
  sendStream,
  sse,
  subscribe,
  webSocketOrSse,
  type Dial,
  type Peer,
  type PeerOptions,
  type State,
} from "../src/index.js";
import { Events, type Event } from "../src/sse/events.js";
import { Outgoing } from "../src/sse/outgoing.js";
import { Narrow } from "./support/narrow.js";
import { generator } from "./support/random.js";
import { Proxy, Reference } from "./support/reference.js";

let server: Reference;
let proxy: Proxy;

before(async () => {
  server = await Reference.start("--sse", "--sessions");
  proxy = await Proxy.start(server.url);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});

async function connected(options: PeerOptions = {}): Promise<Peer> {
  return overLink(await sse(proxy.url)({ protocols: [] }), options);
}

test("both ends call, and each message comes once", async () => {
  const ticks: number[] = [];
  const peer = await connected({
    handlers: {
      tick: (n: number) => void ticks.push(n),
      bounce: async (depth: number) => (depth ? 1 + (await peer.call<number>("bounce", [depth - 1])) : 0),
    },
  });
  assert.equal(await peer.call("add", [1, 2]), 3);
  assert.equal(await peer.call("bounce", [6]), 6);
  assert.equal(await peer.call("push", [100]), 100);
  assert.deepEqual(
    ticks,
    Array.from({ length: 100 }, (_, n) => n),
  );
  const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => peer.call<number>("add", [n, 1])));
  assert.deepEqual(
    sums,
    Array.from({ length: 500 }, (_, n) => n + 1),
  );
  assert.equal(await peer.call("echo", ["a\nb\r\u2028ü"]), "a\nb\r\u2028ü");
  assert.equal((await peer.call<string>("big", [500_000])).length, 500_000);
  peer.close();
});

test("streams go both ways, and progress comes", async () => {
  const peer = await connected();
  let next = 0;
  for await (const tick of subscribe<number>(peer, "ticks", [1_000, 0], { unsubscribe: "unsubscribe_ticks" }))
    assert.equal(tick, next++);
  assert.equal(next, 1_000);
  const numbers = async function* (): AsyncGenerator<number> {
    for (let n = 1; n <= 300; n++) yield n;
  };
  assert.equal(await peer.call("sum", [sendStream(numbers())]), 45_150);
  const steps: unknown[] = [];
  await peer.call("build", [3], { onProgress: (step) => steps.push(step) });
  assert.deepEqual(steps.at(-1), { step: 3, of: 3 });
  peer.close();
});

test("what is cut is mended, and nothing is missing or comes twice", { timeout: 60_000 }, async () => {
  const peer = await connected();
  assert.equal(await peer.call("add", [1, 1]), 2);
  const random = generator(21);
  const taken = (async () => {
    let next = 0;
    for await (const tick of subscribe<number>(peer, "ticks", [200, 5], { unsubscribe: "unsubscribe_ticks" }))
      assert.equal(tick, next++);
    assert.equal(next, 200);
  })();
  for (let n = 1; n <= 100; n++) {
    const counted = peer.call("incr", ["sse cuts"]);
    if (random(2)) {
      await new Promise((resolve) => setTimeout(resolve, random(10)));
      proxy.cut();
    }
    assert.equal(await counted, n);
  }
  await taken;
  assert.equal(await peer.call("count", ["sse cuts"]), 100);
  peer.close();
});

test("a session goes on over the next link, which may be a WebSocket", { timeout: 30_000 }, async () => {
  let isSse = true;
  const dials = [sse(proxy.url), webSocketOrSse(proxy.url, { WebSocket })];
  const states: unknown[] = [];
  const client = new Client((attempt) => dials[isSse ? 0 : 1]!(attempt), {
    minDelay: 5,
    maxDelay: 20,
    onState: (state) => states.push(state),
  });
  for (let n = 1; n <= 6; n++) {
    const slept = client.call("sleep", [50]);
    assert.equal(await client.call("incr", ["sse moves"]), n);
    isSse = !isSse;
    client.reconnectNow();
    assert.equal(await slept, 50);
  }
  assert.ok(!JSON.stringify(states).includes("fresh"), JSON.stringify(states));
  client.close();
  await client.closed;
});

test("a client behind a proxy that refuses WebSockets gets through, and is called back", async () => {
  const narrow = await Narrow.start(server.url);
  const dial = webSocketOrSse(narrow.url, { WebSocket });
  for (let n = 0; n < 2; n++) {
    const peer = overLink(await dial({ protocols: [] }), { handlers: { bounce: () => 41 } });
    assert.equal(await peer.call("bounce", [2]), 42);
    peer.close();
  }
  assert.equal(narrow.upgrades, 1, "the second time it knew");
  await narrow.stop();
});

test("a WebSocket that opens and carries nothing is left, and the session goes on without it", async () => {
  const { hostname, port } = new URL(server.url);
  let isSwallowing = true;
  const sockets = new Set<Socket>();
  const hungry = createTcp((near) => {
    const far = connectTcp(Number(port), hostname);
    let isUpgrade: boolean | undefined;
    let hasHead = false;
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
    near.on("close", () => far.destroy()).on("data", (data) => {
      isUpgrade ??= /upgrade: websocket/i.test(data.toString("latin1"));
      far.write(data);
    });
    far.on("close", () => near.destroy()).on("data", (data) => {
      if (!isUpgrade || !hasHead || !isSwallowing) near.write(data);
      hasHead = true;
    });
  });
  hungry.listen(0, "127.0.0.1");
  await once(hungry, "listening");
  const url = `ws://127.0.0.1:${(hungry.address() as AddressInfo).port}`;
  const dialled = (): Dial => webSocketOrSse(url, { WebSocket, webSocketWithin: 300 });
  let dial = dialled();
  const states: State[] = [];
  const client = new Client((attempt) => dial(attempt), {
    minDelay: 5,
    maxDelay: 20,
    onState: (state) => states.push(state),
  });
  // The server may have read it, and there is no session yet that could go on.
  await assert.rejects(client.call("add", [1, 1]), { failure: "closed", fate: "MaybeExecuted" });
  assert.equal(await client.call("incr", ["swallowed"]), 1);
  states.length = 0;
  // Another client has found that out before; this one has a WebSocket now, which is cut.
  isSwallowing = false;
  dial = dialled();
  client.reconnectNow();
  assert.equal(await client.call("incr", ["swallowed"]), 2);
  isSwallowing = true;
  const slept = client.call("sleep", [1_000]);
  for (const socket of sockets) socket.destroy();
  assert.equal(await slept, 1_000);
  assert.equal(await client.call("incr", ["swallowed"]), 3);
  const lost = states.filter(({ is }) => is === "fresh" || is === "ended");
  assert.deepEqual(lost, []);
  client.close();
  await client.closed;
  hungry.close();
});

test("a server that answers no hello may be silent over a WebSocket", async () => {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(sockets, "listening");
  sockets.on("connection", (socket) =>
    socket.on("message", (data) => {
      const { id, params } = JSON.parse(String(data)) as { id?: number; params?: unknown };
      if (id !== undefined) setTimeout(() => socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: params })), 150);
    }),
  );
  const dial = webSocketOrSse(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, {
    WebSocket,
    webSocketWithin: 50,
  });
  const called = overLink(await dial({ protocols: [] }), { hello: "auto" });
  assert.deepEqual(await called.call("slow", [1]), [1], "without a hello nothing is expected");
  called.close();
  const greeted = overLink(await dial({ protocols: [] }), {});
  assert.match((await greeted.closed).reason, /nothing came/);
  // Over the other way nothing came either, so the silence is that of the server.
  const refused = overLink(await dial({ protocols: [] }), {});
  assert.equal((await refused.closed).code, undefined);
  const trusted = overLink(await dial({ protocols: [] }), {});
  assert.deepEqual(await trusted.call("slow", [2]), [2]);
  trusted.close();
  sockets.close();
});

test("a server that is not there, or offers no such links, says so", async () => {
  const plain = await Reference.start();
  const refused = overLink(await sse(plain.url)({ protocols: [] }));
  const { reason } = await refused.closed;
  assert.match(reason, /offers no server-sent events/);
  await plain.stop();
  const gone = overLink(await sse(plain.url)({ protocols: [] }));
  assert.equal((await gone.closed).by, "link");
});

test("events are the same however they are cut", () => {
  const text = ": hi\n\nid: 1\ndata: a\n\nid: 2\r\ndata: b\r\ndata:c\r\n\r\nevent: ping\ndata\n\nid:3\rdata:  d: e\r\rid: x\ndata: f\n\n";
  const expected: Event[] = [
    { name: "", id: 1, data: "a" },
    { name: "", id: 2, data: "b\nc" },
    { name: "ping", id: undefined, data: "" },
    { name: "", id: 3, data: " d: e" },
    { name: "", id: undefined, data: "f" },
  ];
  const random = generator(3);
  for (let round = 0; round < 300; round++) {
    const events: Event[] = [];
    const reader = new Events((event) => events.push(event));
    for (let at = 0; at < text.length; ) {
      const end = at + 1 + random(round % 30 ? 6 : text.length);
      reader.push(text.slice(at, end));
      at = end;
    }
    assert.deepEqual(events, expected);
  }
});

test("what waits leaves in requests of a bounded length, and once more until it is acknowledged", () => {
  const outgoing = new Outgoing();
  outgoing.push('{"a":\n1}');
  outgoing.push('\x1e{"b":2}\n\x1e{"c":3}\n');
  assert.deepEqual(outgoing.next(), { headers: { "Rpc-First": "1" }, body: '{"a": 1}\n{"b":2}\n{"c":3}' });
  assert.equal(outgoing.acknowledge(4), false);
  assert.equal(outgoing.acknowledge(2), true);
  assert.deepEqual(outgoing.next(), { headers: { "Rpc-First": "3" }, body: '{"c":3}' });
  outgoing.push("x".repeat(300_000));
  outgoing.push("y".repeat(300_000));
  assert.equal(outgoing.next().body, '{"c":3}');
  outgoing.acknowledge(3);
  assert.equal(outgoing.next().body!.length, 300_000);
  outgoing.acknowledge(5);
  assert.deepEqual([outgoing.next().body, outgoing.length, outgoing.last], [null, 0, 5]);
});
