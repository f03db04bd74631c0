/** Sessions and reconnecting, against the reference server behind a proxy that cuts and stalls. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import {
  GapError,
  keepConnected,
  liveness,
  subscribe,
  type Client,
  type ClientOptions,
  type State,
} from "../src/index.js";
import { Proxy, Reference } from "./support/reference.js";
import { generator } from "./support/random.js";

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

function client(options: ClientOptions = {}, url: () => string = () => proxy.url): { client: Client; states: State[] } {
  const states: State[] = [];
  const made = keepConnected(url, {
    WebSocket,
    minDelay: 5,
    maxDelay: 20,
    onState: (state) => states.push(state),
    ...options,
  });
  return { client: made, states };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What was sent has arrived, and the server has heard that the client has its token. */
async function settled(peer: Client): Promise<void> {
  await peer.call("add", [1, 1]); // its answer comes behind the token
  await peer.call("add", [1, 1]);
}

test("calls made before there is a link wait for it", async () => {
  const { client: peer, states } = client();
  assert.equal(await peer.call("add", [1, 2]), 3);
  assert.deepEqual(
    states.map(({ is }) => is),
    ["connecting", "up"],
  );
  peer.close();
  await peer.closed;
  assert.equal(peer.state.is, "ended");
});

test("a cut is not seen by a call that is under way", async () => {
  const { client: peer, states } = client();
  await peer.up();
  await settled(peer);
  const call = peer.call("sleep", [300]);
  await settled(peer);
  proxy.cut();
  assert.equal(await call, 300);
  assert.deepEqual(states.at(-1), { is: "up", resumed: true });
  peer.close();
});

test("notifications, calls and items come once and in their order, whatever is cut", { timeout: 120_000 }, async () => {
  const random = generator(19);
  const { client: peer, states } = client();
  await peer.up();
  await settled(peer);
  const ticks: number[] = [];
  const reading = (async () => {
    for await (const tick of subscribe<number>(peer, "ticks", [0, 1])) ticks.push(tick);
  })();
  reading.catch(() => {});
  let notes = 0;
  let calls = 0;
  const answers: Promise<number>[] = [];
  const cuts = Number(process.env["CUTS"] ?? 300);
  for (let cut = 0; cut < cuts; cut++) {
    for (let burst = random(8); burst >= 0; burst--) {
      if (random(2) === 0) peer.notify("note", [`${notes++}`]);
      else answers.push(peer.call<number>("incr", [`cuts`], { timeout: 60_000 }).then((n) => (assert.ok(n > 0), n)));
      if (random(4) === 0) await sleep(0);
    }
    calls = answers.length;
    await sleep(random(30));
    // Three links in a row without a hello, or on which nothing gets on, are a reason to give the session up.
    if (cut % 2 === 0) await peer.call("add", [1, 1]);
    proxy.cut();
    await sleep(1);
    peer.reconnectNow(); // the server asks clients to take their time
  }
  const counted = await Promise.all(answers);
  assert.deepEqual(
    [...counted].sort((a, b) => a - b),
    Array.from({ length: calls }, (_, n) => n + 1),
    "each ran once",
  );
  assert.deepEqual(
    await peer.call("notes"),
    Array.from({ length: notes }, (_, n) => `${n}`),
  );
  const seen = ticks.length;
  assert.ok(seen > 10);
  assert.deepEqual(
    ticks,
    Array.from({ length: seen }, (_, n) => n),
  );
  assert.ok(
    states.every((state) => state.is !== "fresh"),
    "the session was never lost",
  );
  peer.close();
  await reading.catch(() => {});
});

test("a server that starts anew begins a fresh session", async () => {
  let other = await Reference.start("--sessions");
  const opened: number[] = [];
  const gaps: unknown[] = [];
  const { client: peer, states } = client(
    { onSession: async (peer) => void opened.push(await peer.call<number>("add", [opened.length, 1])) },
    () => other.url,
  );
  await peer.up();
  const lost = peer.call("sleep", [60_000]);
  const keyed = peer.call("sleep", [50], { idempotencyKey: "k" });
  const ticks = subscribe<number>(peer, "ticks", [0, 5], { onGap: (missed) => gaps.push(missed) });
  assert.equal((await ticks.next()).value, 0);
  const strict = subscribe<number>(peer, "ticks", [0, 5]);
  assert.equal((await strict.next()).value, 0);
  await sleep(10);
  await other.stop("SIGKILL");
  other = await Reference.start("--sessions");
  await assert.rejects(lost, { failure: "closed", fate: "MaybeExecuted" });
  assert.equal(await keyed, 50);
  while (gaps.length === 0) await ticks.next();
  assert.deepEqual(gaps, [undefined]);
  await assert.rejects(
    (async () => {
      for await (const _ of strict);
    })(),
    GapError,
  );
  assert.deepEqual(opened, [1, 2]);
  assert.deepEqual(states.at(-1), { is: "fresh", calls: 1, notifications: 0 });
  peer.close();
  await other.stop();
});

test("a server without sessions is come back to as well", async () => {
  const plain = await Reference.start();
  const before = await Proxy.start(plain.url);
  const { client: peer } = client({}, () => before.url);
  assert.equal(await peer.call("add", [1, 1]), 2);
  const call = peer.call("sleep", [60_000]);
  await settled(peer);
  before.cut();
  await assert.rejects(call, { fate: "MaybeExecuted" });
  assert.equal(await peer.call("add", [1, 2]), 3);
  peer.close();
  await before.stop();
  await plain.stop();
});

test("a link over which nothing comes is given up, and the session goes on over another", async () => {
  const { client: peer } = client({ features: [liveness({ deadAfter: 200 })] });
  await peer.up();
  await settled(peer);
  const call = peer.call("sleep", [100]);
  await sleep(10);
  proxy.stall();
  assert.equal(await call, 100);
  peer.close();
});

test("the client makes another link while the old one works, and nothing is lost", async () => {
  const { client: peer, states } = client();
  await peer.up();
  await settled(peer);
  const call = peer.call("sleep", [100]);
  const ticks = subscribe<number>(peer, "ticks", [2_000, 0]);
  for (let turn = 0; turn < 20; turn++) {
    peer.notify("note", [`${turn}`]);
    peer.reconnectNow();
    await sleep(5);
  }
  assert.equal(await call, 100);
  let next = 0;
  for await (const tick of ticks) assert.equal(tick, next++);
  assert.equal(next, 2_000);
  assert.deepEqual(
    await peer.call("notes"),
    Array.from({ length: 20 }, (_, n) => `${n}`),
  );
  assert.ok(states.every((state) => state.is !== "fresh"));
  peer.close();
});

test("another session is begun on demand", async () => {
  const { client: peer, states } = client();
  await peer.up();
  peer.notify("note", ["of the old one"]);
  assert.deepEqual(await peer.call("notes"), ["of the old one"]);
  await peer.newSession();
  assert.deepEqual(await peer.call("notes"), []);
  assert.equal(states.at(-1)!.is, "fresh");
  peer.close();
});

test("a paused client comes back when it is told to", async () => {
  const { client: peer } = client();
  await peer.up();
  await settled(peer);
  const before = proxy.connections;
  const call = peer.call("sleep", [50]);
  await settled(peer);
  peer.pause();
  await sleep(100);
  assert.ok(proxy.connections < before);
  peer.reconnectNow();
  assert.equal(await call, 50);
  peer.close();
});

test("what waits for a link is bounded", async () => {
  proxy.refuses = true;
  const { client: peer } = client();
  const text = "x".repeat(100_000);
  assert.throws(
    () => {
      for (let n = 0; n < 100; n++) peer.notify("note", [text]);
    },
    { failure: "busy", fate: "NotSent" },
  );
  const call = peer.call("add", [1, 2], { timeout: 20 });
  await assert.rejects(call, { failure: "busy" });
  peer.close();
  proxy.refuses = false;
});

test("a call that waits for a link times out, and was not sent", async () => {
  proxy.refuses = true;
  const { client: peer } = client();
  await assert.rejects(peer.call("add", [1, 2], { timeout: 20 }), { failure: "timeout", fate: "NotSent" });
  proxy.refuses = false;
  assert.equal(await peer.call("add", [1, 2]), 3);
  peer.close();
});

test("a client gives up when it is told to", async () => {
  proxy.refuses = true;
  const { client: peer } = client({ giveUpAfter: 50 });
  await assert.rejects(peer.up());
  assert.equal(peer.state.is, "ended");
  proxy.refuses = false;
});
