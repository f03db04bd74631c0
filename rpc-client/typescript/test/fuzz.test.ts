/** No bytes of the other end may break a peer, or make it throw. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Batch,
  batchAnswers,
  Client,
  exactJson,
  Live,
  method,
  mutable,
  mute,
  overLink,
  stream,
  streamParam,
  subscribe,
  watch,
  type LiveChange,
  type Link,
  type Peer,
  type PeerOptions,
} from "../src/index.js";
import { pair, pause, Raw } from "./support/pair.js";
import { generator } from "./support/random.js";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 20_000);

const VALUES = [
  "null",
  "0",
  "-1",
  "1.5",
  "1e400",
  "true",
  '""',
  '"x"',
  "[]",
  "{}",
  "[1]",
  '{"subscription":"s"}',
  "9e15",
  '"s"',
];

const MESSAGES = [
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[1,2],"timeoutMs":5,"progressToken":1}',
  '{"jsonrpc":"2.0","id":"a","method":"sum","params":[{"$stream":"t"}]}',
  '{"jsonrpc":"2.0","id":2,"method":"ticks","params":{"count":3}}',
  '{"jsonrpc":"2.0","id":1,"result":"s"}',
  '{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"x","data":{"kind":"batch_too_big","max":1}}}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"x","data":{"kind":"batch_too_big","max":1}}}',
  '{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":100,"batch":3,"session":{"token":"first-first-first-first","buffer":1}}}',
  '{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"session":{"resumed":true,"received":0,"token":"first-first-first-first"}}}',
  '{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"session":{"refused":"ended","received":0,"code":1000,"reason":"x"}}}',
  '{"jsonrpc":"2.0","method":"$/ack","params":{"n":0}}',
  '{"jsonrpc":"2.0","method":"$/goaway","params":{"reason":"x","reconnectAfterMs":[0,1],"move":true}}',
  '{"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"s","bytes":10,"seq":1}}',
  '{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"s"}}',
  '{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"t","seq":1,"result":1,"ack":true}}',
  '{"jsonrpc":"2.0","method":"news","params":{"subscription":"s","seq":1,"results":[1,2]}}',
  '{"jsonrpc":"2.0","method":"news","params":{"subscription":"s","seq":3,"error":{"code":1,"message":"x"}}}',
  '{"jsonrpc":"2.0","method":"news","params":{"subscription":"s","seq":1,"result":{"value":{"a":[1,{"b":2}]}}}}',
  '{"jsonrpc":"2.0","method":"news","params":{"subscription":"s","seq":2,"result":{"patch":[{"op":"add","path":"/a/0","value":1},{"op":"move","from":"/a","path":"/b"}]}}}',
  '{"jsonrpc":"2.0","id":3,"method":"state"}',
  '{"jsonrpc":"2.0","method":"$/throttle","params":{"subscription":"s","intervalMs":1}}',
  '{"jsonrpc":"2.0","method":"$/mute","params":{"method":"x","muted":true}}',
  '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}',
  '{"jsonrpc":"2.0","method":"$/progress","params":{"token":1,"value":2}}',
];

const state = new Live<unknown>({ a: 1 });

const handlers = {
  m: (a: unknown) => a,
  sum: method([streamParam("values", { json: exactJson })], async (values: AsyncIterable<unknown>) => {
    for await (const _ of values);
  }),
  state: stream([], () => state.subscribe()),
  ticks: stream(["count"], function* (count: number) {
    for (let n = 0; n < Math.min(count, 10); n++) yield n;
  }),
};

/** Returns a message in which something is otherwise. */
function mutated(random: (most: number) => number): string {
  const pick = (from: readonly string[]): string => from[random(from.length)]!;
  const text = pick(MESSAGES);
  switch (random(6)) {
    case 0:
      return text;
    case 1:
      return text.slice(0, random(text.length));
    case 2:
      return `[${text},${pick(MESSAGES)},${pick(VALUES)}]`;
    case 3:
      return pick(VALUES);
    default: {
      // The value of some member becomes another one.
      const members = [...text.matchAll(/:("[^"]*"|[\d.]+|true|\[[^\]]*\])/g)];
      const { index, 0: found } = members[random(members.length)]!;
      return `${text.slice(0, index)}:${pick(VALUES)}${text.slice(index + found.length)}`;
    }
  }
}

/** Calls something now and then, so that there is something to answer. */
function use(peer: Peer, random: (most: number) => number): void {
  const ignore = (): void => {};
  const batch = new Batch(peer);
  void batch.call("a").catch(ignore);
  void batch.call("b", [], { onProgress: ignore }).catch(ignore);
  batch.send();
  void peer.call("c", [], { json: exactJson }).catch(ignore);
  const items = subscribe(peer, "news", [], { onGap: ignore, ...(random(2) === 0 && { json: exactJson }) });
  void (async () => {
    for await (const _ of items);
  })().catch(ignore);
  void (async () => {
    for await (const _ of watch(subscribe<LiveChange<unknown>>(peer, "news"), { throttle: random(2) }));
  })().catch(ignore);
  mute(peer, "x");
  state.set({ a: random(10) });
}

const options: PeerOptions = { handlers, features: [batchAnswers, mutable], onError: () => {} };

test("a peer takes any bytes", async () => {
  const random = generator(7);
  for (let run = 0; run < RUNS / 100; run++) {
    const [near, far] = pair();
    const raw = new Raw(far);
    const peer = overLink(near, options);
    use(peer, random);
    for (let message = 0; message < 100; message++) {
      raw.send(mutated(random));
      if (random(10) === 0) await pause();
    }
    await pause();
    // What is too much ends the connection; nothing else does.
    assert.ok(peer._core._end === undefined || peer._core._end.code === 1008, JSON.stringify(peer._core._end));
    peer.close();
  }
});

test("a client takes any bytes, over any number of links", async () => {
  const random = generator(8);
  for (let run = 0; run < RUNS / 400; run++) {
    const links: Raw[] = [];
    const dial = async (): Promise<Link> => {
      const [near, far] = pair();
      links.push(new Raw(far));
      return near;
    };
    const client = new Client(dial, { ...options, minDelay: 1, maxDelay: 1 });
    for (let round = 0; round < 4; round++) {
      await pause();
      use(client, random);
      for (let message = 0; message < 100; message++) {
        links.at(-1)!.send(mutated(random));
        if (random(10) === 0) await pause();
      }
      if (random(2) === 0) links.at(-1)!.link.cut();
      client.reconnectNow();
    }
    await pause();
    assert.ok(client._core._end === undefined || client._core._end.code === 1008, JSON.stringify(client._core._end));
    client.close();
  }
});
