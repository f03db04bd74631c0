/** Against the reference server, over real sockets. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import {
  Batch,
  CallError,
  connect,
  exactJson,
  RpcError,
  sendStream,
  subscribe,
  within,
  method,
  type Context,
  type Peer,
} from "../src/index.js";
import { Reference } from "./support/reference.js";

let server: Reference;
let peer: Peer;

before(async () => {
  server = await Reference.start();
  peer = await connect(server.url, {
    WebSocket,
    handlers: {
      "chatter.confirm": (question: string) => question.length > 3,
      bounce: method(["depth"], async (depth: number, context: Context) =>
        depth === 0 ? 0 : (await context.peer.call<number>("bounce", [depth - 1], within(context))) + 1,
      ),
      fails: () => {
        throw new RpcError(77, "no", { why: 1 });
      },
      breaks: () => {
        throw new Error("secret");
      },
    },
    onError: () => {},
  });
});
after(async () => {
  peer.close();
  await server.stop();
});

test("calls are answered", async () => {
  assert.equal(await peer.call<number>("add", [1, 2]), 3);
  assert.equal(await peer.call<number>("add", { a: 40, b: 2 }), 42);
  assert.equal(await peer.call("greet", ["Ada"]), "hello, Ada");
  const sums = await Promise.all(Array.from({ length: 1000 }, (_, n) => peer.call<number>("add", [n, 1])));
  assert.deepEqual(
    sums,
    Array.from({ length: 1000 }, (_, n) => n + 1),
  );
});

test("calls of one turn are few messages each way", async () => {
  let sent = 0;
  let received = 0;
  class Counting extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      this.on("message", () => received++);
    }
    override send(message: any): void {
      sent++;
      super.send(message);
    }
  }
  const other = await connect(server.url, { WebSocket: Counting });
  await other.call("add", [1, 1]); // its answer comes behind the hello
  sent = received = 0;
  const sums = await Promise.all(Array.from({ length: 200 }, (_, n) => other.call<number>("add", [n, 1])));
  assert.equal(sums[199], 200);
  assert.equal(sent, 1);
  // The server may read them in parts.
  assert.ok(received < 100, `${received} messages`);
  other.close();
});

test("errors have their code and data", async () => {
  await assert.rejects(peer.call("typed_fail", [7]), (error: unknown) => {
    assert.ok(error instanceof RpcError);
    assert.deepEqual([error.code, error.data], [1001, { max: 7 }]);
    return true;
  });
  await assert.rejects(peer.call("panic"), { code: -32603 });
  await assert.rejects(peer.call("nothing"), { code: -32601 });
});

test("the server calls back, to any depth", async () => {
  assert.equal(await peer.call("call_back", ["chatter.confirm", ["lobby"]]), true);
  assert.equal(await peer.call<number>("bounce", [50]), 50);
  await assert.rejects(peer.call("call_back", ["fails"]), { code: 77, data: { why: 1 } });
  await assert.rejects(peer.call("call_back", ["breaks"]), { code: -32603, message: "internal error" });
  await assert.rejects(peer.call("call_back", ["__proto__"]), { code: -32601 });
  await assert.rejects(peer.call("call_back", ["constructor"]), { code: -32601 });
});

test("notifications arrive, in their order, before what follows", async () => {
  const texts = Array.from({ length: 100 }, (_, n) => `note ${n}`);
  for (const text of texts) peer.notify("note", [text]);
  assert.deepEqual(await peer.call("notes"), texts);
});

test("a call that is given up is cancelled at the server", async () => {
  const aborts = new AbortController();
  const before = await peer.call<number>("slept");
  const call = peer.call("sleep", [200], { signal: aborts.signal });
  setTimeout(() => aborts.abort(new Error("enough")), 20);
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof CallError);
    assert.deepEqual([error.failure, error.fate, error.name], ["cancelled", "MaybeExecuted", "AbortError"]);
    assert.equal((error.cause as Error).message, "enough");
    return true;
  });
  await assert.rejects(peer.call("sleep", [5_000], { timeout: 30 }), { name: "TimeoutError" });
  await peer.call("sleep", [250]);
  assert.equal(await peer.call<number>("slept"), before + 1);
  const { in_flight } = await peer.call<{ in_flight: number }>("stats");
  assert.equal(in_flight, 1);
});

test("an answer that came while the thread was busy wins over the deadline", async () => {
  const call = peer.call("sleep", [100], { timeout: 500 });
  await peer.call("add", [1, 1]);
  const until = performance.now() + 2_000;
  while (performance.now() < until);
  assert.equal(await call, 100);
});

test("progress is heard before the answer", async () => {
  const steps: unknown[] = [];
  assert.equal(await peer.call("build", [3], { onProgress: (step) => steps.push(step) }), "built");
  assert.deepEqual(
    steps,
    [1, 2, 3].map((step) => ({ step, of: 3 })),
  );
});

test("a batch is one message each way", async () => {
  const batch = new Batch(peer);
  const sums = Array.from({ length: 250 }, (_, n) => batch.call<number>("add", [n, n]));
  const fails = batch.call("typed_fail", [1]);
  batch.notify("note", ["in a batch"]);
  batch.send();
  assert.deepEqual(
    await Promise.all(sums),
    Array.from({ length: 250 }, (_, n) => 2 * n),
  );
  await assert.rejects(fails, { code: 1001 });
});

test("a subscription is a loop", async () => {
  const seen: number[] = [];
  for await (const tick of subscribe<number>(peer, "ticks", [10, 0])) seen.push(tick);
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a long subscription has credit for all of its items", async () => {
  let next = 0;
  for await (const tick of subscribe<number>(peer, "ticks", [50_000, 0])) assert.equal(tick, next++);
  assert.equal(next, 50_000);
});

test("leaving the loop unsubscribes", async () => {
  for await (const tick of subscribe<number>(peer, "ticks", [0, 0])) if (tick === 5_000) break;
  for (let turn = 0; turn < 100; turn++) {
    const { subscriptions } = await peer.call<{ subscriptions: number }>("stats");
    if (subscriptions === 0) return;
  }
  assert.fail("the subscription goes on");
});

test("a subscription that is refused rejects at the first item", async () => {
  await assert.rejects(subscribe(peer, "nothing").next(), { code: -32601 });
});

test("a stream of this end is an argument of a call", async () => {
  assert.equal(await peer.call("sum", [sendStream([1, 2, 3])]), 6);
  async function* numbers(count: number): AsyncGenerator<number> {
    for (let n = 1; n <= count; n++) yield n;
  }
  assert.equal(await peer.call("sum", { values: sendStream(numbers(20_000)) }), (20_000 * 20_001) / 2);
  await assert.rejects(peer.call("sum", [sendStream(["no number"])]), { code: -32602 });
});

test("integers of 64 bits are whole", async () => {
  const most = 2n ** 63n - 1n;
  assert.equal(await peer.call("add", [most - 1n, 1], { json: exactJson }), most);
  assert.deepEqual(await peer.call("echo", [{ a: [most, 1], b: "\u0001x" }], { json: exactJson }), {
    a: [most, 1],
    b: "\u0001x",
  });
});

test("a server that ends closes all calls", async () => {
  const other = await Reference.start();
  const peer = await connect(other.url, { WebSocket });
  const call = peer.call("sleep", [60_000]);
  call.catch(() => {});
  await peer.call("add", [1, 1]);
  await other.stop("SIGKILL");
  await assert.rejects(call, { failure: "closed", fate: "MaybeExecuted" });
  assert.equal((await peer.closed).by, "link");
  await assert.rejects(peer.call("add", [1, 1]), { failure: "closed", fate: "NotSent" });
});
