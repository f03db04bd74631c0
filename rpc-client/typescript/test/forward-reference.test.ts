/** A server in Rust hands calls on to this end, which made them: it is both the caller and the far end. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import {
  connect,
  GapError,
  Live,
  method,
  report,
  RpcError,
  sendStream,
  stream,
  streamParam,
  subscribe,
  watch,
  type Context,
  type LiveChange,
  type Peer,
} from "../src/index.js";
import { Reference } from "./support/reference.js";

let server: Reference;
let peer: Peer;
/** Items that were made, and streams that live. */
let made = 0;
let alive = 0;
const live = new Live({ n: 0, wide: "x".repeat(200) });

before(async () => {
  server = await Reference.start("--forward");
  const handlers = {
    "back.add": method(["a", "b"], (a: number, b: number) => a + b),
    "back.build": method(["steps"], (steps: number, context: Context) => {
      for (let step = 1; step <= steps; step++) report(context, step);
      return "built";
    }),
    "back.numbers": stream(["count"], async function* (count: number) {
      alive++;
      try {
        for (let number = 0; number < count; number++) {
          made++;
          yield { number, text: "x".repeat(1_000) };
        }
      } finally {
        alive--;
      }
    }),
    "back.lost": stream(
      [],
      function* () {
        yield 1;
        throw new RpcError(7, "lost", { feed: "x" });
      },
      { unsubscribe: "back.leave" },
    ),
    "back.state": stream([], () => live.subscribe()),
    "back.sum": method([streamParam("values")], async (values: AsyncIterable<number>) => {
      let sum = 0;
      for await (const value of values) sum += value;
      return sum;
    }),
    "back.running": stream([streamParam("values")], async function* (values: AsyncIterable<number>) {
      let sum = 0;
      for await (const value of values) yield (sum += value);
    }),
  };
  peer = await connect(server.url, { WebSocket, handlers, onError: () => {} });
});
after(async () => {
  peer.close();
  await server.stop();
});

async function settles(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !isSo(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(isSo());
}

test("calls and progress pass", async () => {
  const steps: unknown[] = [];
  assert.equal(await peer.call("back.add", [1, 2]), 3);
  const built = peer.call("back.build", [3], { onProgress: (step) => steps.push(step) });
  assert.equal(await built, "built");
  assert.deepEqual(steps, [1, 2, 3]);
  await assert.rejects(peer.call("back.nothing"), (error) => error instanceof RpcError && error.code === -32601);
});

test("a stream passes in its order, to its end", async () => {
  let next = 0;
  for await (const { number } of subscribe<{ number: number }>(peer, "back.numbers", [1_000])) {
    assert.equal(number, next++);
  }
  assert.equal(next, 1_000);
  await settles(() => alive === 0);
});

test("a receiver that is slow, and then leaves, is felt at the source", async () => {
  made = 0;
  const items = subscribe<{ number: number }>(peer, "back.numbers", [1_000_000]);
  assert.equal((await items.next()).value!.number, 0);
  for (let before = -1; before < made; ) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(made < 1_000, `${made} items were made for one that was taken`);
  await items.return();
  await settles(() => alive === 0);
});

test("the error of a source passes, and names that are not the usual ones", async () => {
  const items = subscribe<number>(peer, "back.lost", [], { unsubscribe: "back.leave" });
  assert.equal((await items.next()).value, 1);
  await assert.rejects(items.next(), (error) => {
    assert.ok(!(error instanceof GapError) && error instanceof RpcError);
    assert.deepEqual([error.code, error.message, error.data], [7, "lost", { feed: "x" }]);
    return true;
  });
});

test("a live value is watched through the server", async () => {
  const values = watch(subscribe<LiveChange<{ n: number; wide: string }>>(peer, "back.state"));
  for (let n = 1; n <= 50; n++) {
    live.update((value) => value.n++);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  for await (const { n } of values) if (n === 50) break;
  await settles(() => live.watchers === 0);
});

test("a stream among the params passes, and one that answers it", async () => {
  const numbers = Array.from({ length: 1_000 }, (_, number) => number);
  assert.equal(await peer.call("back.sum", [sendStream(numbers)]), 499_500);
  const sums = [];
  for await (const sum of subscribe<number>(peer, "back.running", [sendStream([1, 2, 3])])) sums.push(sum);
  assert.deepEqual(sums, [1, 3, 6]);
});
