/** What the two ends of different versions know of each other. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  Batch,
  Client,
  method,
  offered,
  offers,
  overLink,
  RpcError,
  subscribe,
  type Link,
  type Model,
  type OffersOptions,
  type Peer,
  type PeerOptions,
  type Services,
} from "../src/index.js";
import { compare } from "../src/offers/compare.js";
import { isSame } from "../src/offers/schema.js";
import { closing, connect as connected } from "./support/connected.js";
import { pair, pause, Raw } from "./support/pair.js";

const services = {
  serves: {
    page: { name: "page", version: "2", hash: "0b", methods: ["page.confirm"] },
    other: { name: "other", hash: "0c", methods: ["other.a", "other.b"] },
  },
  calls: {
    chat: { name: "chat", version: "1.2", hash: "0a", methods: ["chat.join", "chat.pin", "pin"] },
    admin: { name: "Admin", hash: "0d", methods: ["stop"] },
  },
} as const;

const service = (name: string, servedBy: "server" | "client", methods: Model["services"][number]["methods"]) => ({
  name,
  namespace: name.toLowerCase(),
  separator: ".",
  version: "1.1",
  servedBy,
  digest: `of ${name}`,
  methods,
});
const request = (name: string, ...params: string[]) => ({
  name,
  call: { kind: "request", result: { type: "integer" } },
  params: params.map((name) => ({ name, kind: "value", schema: { type: "string" } })),
});

/** The model of the page. */
const model: Model = {
  end: "client",
  services: [
    service("Chat", "server", [request("chat.join", "room"), { ...request("chat.pin"), aliases: ["pin"] }]),
    service("Page", "client", [request("page.confirm"), { ...request("page.peek"), unstable: true }]),
  ],
};

/** That of a server. */
const served = (...methods: Model["services"][number]["methods"]): Model => ({
  end: "server",
  services: [service("Chat", "server", methods)],
});

const confirm = { "page.confirm": () => true };

interface Connected {
  readonly raw: Raw;
  readonly peer: Peer;
  readonly lines: string[];
}

function connect(options: OffersOptions & PeerOptions = {}): Connected {
  const lines: string[] = [];
  const features = [offers(services, { onDiffers: (line) => lines.push(line), ...options })];
  return { ...connected({ handlers: confirm, features, ...options }), lines };
}

/** A hello of the other end, which is answered by one. */
async function greeted({ raw }: Connected, told?: unknown): Promise<any> {
  raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, offers: told } });
  return (await raw.next()).params;
}

const same = [
  { name: "chat", version: "1.2", hash: "0a" },
  { name: "Admin", hash: "0d" },
];
const old = [{ name: "chat", version: "1.1", hash: "?" }];

test("the hello tells what the handlers offer", async () => {
  assert.deepEqual((await greeted(connect())).offers, [{ name: "page", version: "2", hash: "0b" }]);
  assert.deepEqual((await greeted(connect({ handlers: {} }))).offers, []);
  const both = { ...confirm, "other.a": () => 1, "other.b": () => 2 };
  const told = (await greeted(connect({ handlers: both }))).offers;
  assert.deepEqual(told[1], { name: "other", hash: "0c" });
  assert.equal("offers" in (await greeted({ ...connected(), lines: [] })), false);
});

test("a list that is too long for a hello is not told", async () => {
  for (const [count, length, isTold] of [
    [64, 1, true],
    [65, 1, false],
    [1, 2_100, false],
  ] as const) {
    const many = Array.from({ length: count }, (_, at) => [
      `s${at}`,
      { name: "s".repeat(length), hash: "", methods: [] },
    ]);
    const lines: string[] = [];
    const features = [
      offers(
        { serves: Object.fromEntries(many) as Services["serves"], calls: {} },
        { onDiffers: (it) => lines.push(it) },
      ),
    ];
    const { offers: told } = await greeted({ ...connected({ features }), lines });
    assert.deepEqual([told?.length, lines.length], isTold ? [count, 0] : [undefined, 1]);
  }
});

test("equal hashes cost no message", async () => {
  const to = connect();
  await greeted(to, same);
  assert.deepEqual(await offered(to.peer, services.calls.chat, model), { is: "same" });
  assert.deepEqual(await offered(to.peer, services.calls.admin, model), { is: "same" });
  await to.raw.silent();
  assert.deepEqual(to.lines, []);
});

test("what differs is told once, by versions", async () => {
  const to = connect();
  await greeted(to, old);
  assert.deepEqual(to.lines, [
    "versions of services: the other end's `chat` is version 1.1, not 1.2; the other end offers no `Admin`",
  ]);
  to.raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, offers: [] } });
  await to.raw.silent();
  assert.equal(to.lines.length, 1, "the first hello counts");
  const silent = connect();
  await greeted(silent);
  assert.deepEqual(silent.lines, [], "nothing is known of who tells nothing");
});

test("lists that cannot be are nothing", async () => {
  for (const wrong of [1, {}, [1], [null], [{ name: "chat" }], [{ name: "chat", hash: 1 }], "chat"]) {
    const to = connect();
    await greeted(to, wrong);
    assert.deepEqual(to.lines, [], JSON.stringify(wrong));
  }
  const many = Array.from({ length: 65 }, () => ({ name: "", hash: "" }));
  for (const long of [many, [{ name: "x".repeat(2_048), hash: "" }]]) {
    const to = connect();
    await greeted(to, long);
    assert.deepEqual(to.lines, []);
  }
  const to = connect();
  await greeted(to, [{ name: "chat", hash: "?", version: "1\u0007\n".repeat(150) }]);
  assert.match(to.lines[0]!, /version 1\\u0007\\n/);
  assert.ok(to.lines[0]!.length < 1_200 && !to.lines[0]!.includes("\n"));
});

/** Answers the next request. */
async function answer({ raw }: Connected, result: unknown): Promise<any> {
  const { id, method, params } = await raw.next();
  raw.send({ jsonrpc: "2.0", id, ...(result instanceof RpcError ? { error: result } : { result }) });
  return { method, params };
}

async function refused({ raw, peer }: Connected, name: string, code: number): Promise<RpcError> {
  const call = peer.call(name, []);
  const { id } = await raw.next();
  raw.send({ jsonrpc: "2.0", id, error: { code, message: "no" } });
  return call.then(
    () => assert.fail("it is refused"),
    (error: unknown) => error as RpcError,
  );
}

test("an error tells that the other end has another version", async () => {
  const to = connect();
  await greeted(to, old);
  const missing = await refused(to, "chat.pin", -32601);
  assert.equal(missing.message, "no: the other end's `chat` is version 1.1, not 1.2, and lacks `chat.pin`");
  assert.deepEqual(missing.mismatch, {
    service: "chat",
    called: "1.2",
    offered: { version: "1.1" },
    lacks: "chat.pin",
    differences: [],
  });
  assert.match(missing.stack!, /lacks `chat.pin`/);
  const invalid = await refused(to, "pin", -32602);
  assert.deepEqual([invalid.code, invalid.message], [-32602, "no: the other end's `chat` is version 1.1, not 1.2"]);
  assert.equal((await refused(to, "stop", -32601)).message, "no: the other end offers no `Admin`");
  assert.equal((await refused(to, "chat.pin", 7)).mismatch, undefined);
  assert.equal((await refused(to, "unknown", -32601)).mismatch, undefined);
  const batch = new Batch(to.peer);
  const call = batch.call("chat.pin");
  batch.send();
  const [{ id }] = await to.raw.next();
  to.raw.send([{ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } }]);
  await assert.rejects(call, { message: /lacks `chat.pin`/ });
  const items = subscribe(to.peer, "chat.join");
  to.raw.send({ jsonrpc: "2.0", id: (await to.raw.next()).id, error: { code: -32601, message: "no" } });
  await assert.rejects(items.next(), { message: /lacks `chat.join`/ });
});

test("without a difference an error is as it was", async () => {
  for (const told of [same, undefined]) {
    const to = connect();
    await greeted(to, told);
    const error = await refused(to, "chat.pin", -32601);
    assert.deepEqual([error.message, error.mismatch], ["no", undefined]);
  }
});

test("a call before the hello of the other end learns of its version", async () => {
  const to = connect();
  const call = to.peer.call("chat.pin");
  const { id } = await to.raw.next();
  await greeted(to, old);
  to.raw.send({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } });
  await assert.rejects(call, { message: /lacks `chat.pin`/ });
});

test("the program asks what differs, and errors tell it then", async () => {
  const to = connect();
  await greeted(to, old);
  const asked = offered(to.peer, services.calls.chat, () => Promise.resolve(model));
  assert.deepEqual(await answer(to, served(request("chat.join", "room", "seat"))), {
    method: "rpc.model",
    params: [["0a"]],
  });
  assert.deepEqual(await asked, {
    is: "differs",
    changes: [
      { method: "chat.join", breaks: true, text: "the param `seat` is required, and is not sent" },
      { method: "chat.pin", breaks: true, text: "the other end has no such method" },
    ],
  });
  const error = await refused(to, "chat.join", -32602);
  assert.match(error.message, /is version 1.1, not 1.2: the param `seat` is required, and is not sent$/);
  assert.deepEqual((await refused(to, "chat.join", -32601)).mismatch!.differences, []);
});

test("what breaks no call is compatible, and what is not known is unknown", async () => {
  const ask = async (result: unknown, own: () => Model = () => model): Promise<unknown> => {
    const to = connect();
    const asked = offered(to.peer, services.calls.chat, own);
    await answer(to, result);
    return asked;
  };
  const more = [request("chat.join", "room"), { ...request("chat.pin"), aliases: ["pin"] }, request("chat.more")];
  assert.deepEqual(await ask(served(...more)), { is: "compatible", changes: [] });
  const never = (): Model => assert.fail("it is loaded only if the two ends differ");
  assert.deepEqual(await ask(true, never), { is: "same" });
  for (const wrong of [new RpcError(-32601, "no"), false, null, 1, "x", [], {}, { end: "server" }, model]) {
    assert.deepEqual(await ask(wrong), { is: "unknown" }, JSON.stringify(wrong));
  }
  const odd = { ...served(...more), services: [{ ...served(...more).services[0], version: { toString: 1 } }] };
  assert.deepEqual(await ask(odd), { is: "compatible", changes: [] });
  const hostile = [{ servedBy: "server", methods: [{ name: "chat.join", call: null }] }];
  assert.deepEqual(await ask({ end: "server", services: hostile }), { is: "unknown" });
  await assert.rejects(
    ask(served(), () => {
      throw new Error("cannot be loaded");
    }),
    { message: "cannot be loaded" },
  );
});

test("a model that is not of the service is a mistake of the program", async () => {
  const to = connect();
  const asked = offered(to.peer, services.calls.admin, model);
  await answer(to, served());
  await assert.rejects(asked, { name: "TypeError", message: "the model calls no `Admin`" });
});

test("the other end may ask, and learns of unstable methods only if it asks for them", async () => {
  const asks = async (to: Connected, digests: unknown): Promise<any> => {
    to.raw.send({ jsonrpc: "2.0", id: 1, method: "rpc.model", params: [digests] });
    return to.raw.next();
  };
  const to = connect({ model });
  assert.equal((await asks(to, ["0b"])).result, true);
  assert.equal((await asks(to, [])).result, true);
  assert.equal((await asks(to, 7)).error.code, -32602);
  const { result } = await asks(to, ["0b", "?"]);
  const names = (model: Model) => model.services.flatMap(({ methods }) => methods.map(({ name }) => name));
  assert.deepEqual(names(result), ["chat.join", "chat.pin", "page.confirm"]);
  const eager = connect({ model: () => model });
  eager.raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, unstable: true } });
  await eager.raw.next();
  assert.deepEqual((await asks(eager, ["?"])).result, model);
  assert.equal((await asks(connect(), ["0b"])).error.code, -32601, "a peer without a model tells none");
});

test("another session may be with another version", async () => {
  const links: Raw[] = [];
  const dial = async (): Promise<Link> => {
    const [near, far] = pair();
    links.push(new Raw(far));
    return near;
  };
  const lines: string[] = [];
  const features = [offers(services, { onDiffers: (line) => lines.push(line) })];
  const client = new Client(dial, { features, handlers: confirm, minDelay: 1, maxDelay: 1 });
  closing(client);
  const begun = async (at: number, told: unknown): Promise<void> => {
    while (links.length <= at) await new Promise((next) => setTimeout(next, 1));
    assert.equal((await links[at]!.next()).params.offers.length, 1);
    links[at]!.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, offers: told } });
    await pause();
  };
  await begun(0, same);
  assert.deepEqual(lines, []);
  links[0]!.link.cut();
  await begun(1, old);
  assert.equal(lines.length, 1);
  links[1]!.link.cut();
  await begun(2, same);
  assert.deepEqual(await offered(client, services.calls.chat, model), { is: "same" });
  const to = { raw: links[2]!, peer: client, lines };
  assert.equal((await refused(to, "chat.pin", -32601)).mismatch, undefined);
});

test("two peers of this kind know of each other", async () => {
  const [near, far] = pair();
  const far_services: Services = { serves: services.calls, calls: services.serves };
  const rooms = { "chat.join": method(["room"], () => 1), "chat.pin": () => 1, pin: () => 1 };
  const page = overLink(near, { handlers: confirm, features: [offers(services, { onDiffers: () => {} })] });
  const server = overLink(far, { handlers: rooms, features: [offers(far_services, { onDiffers: () => {} })] });
  closing(page);
  closing(server);
  assert.equal(await page.call("chat.join", ["lobby"]), 1);
  assert.deepEqual(await offered(page, services.calls.chat, model), { is: "same" });
  const answers: Model = { ...model, end: "server" };
  assert.deepEqual(await offered(server, services.serves.page, answers), { is: "same" });
  assert.deepEqual(await offered(page, services.calls.admin, model), { is: "unknown" });
});

interface Comparisons {
  readonly definitions: { readonly [name: string]: unknown };
  readonly comparisons: readonly { name: string; called: any; offered: any[]; changes: unknown[] }[];
}

const file = readFileSync("../../rpc-core/tests/schema/comparisons.json", "utf8");
const { definitions, comparisons } = JSON.parse(file) as Comparisons;

test("rules are compared in whatever order their members are", () => {
  assert.ok(isSame({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(!isSame({ a: [1, 2] }, { a: [2, 1] }) && !isSame({ a: 1 }, {}) && !isSame(undefined, null));
});

test("methods are compared as in Rust", () => {
  assert.ok(comparisons.length > 100);
  for (const { name, called, offered, changes } of comparisons) {
    const of = (end: "server" | "client", methods: any[]): Model => ({
      end,
      services: [service("S", "server", methods)],
      definitions,
    });
    const own = of("client", [called]);
    const found = compare(own, own.services[0]!, of("server", offered));
    assert.deepEqual(
      found.map(({ breaks, text }) => ({ breaks, text })),
      changes,
      name,
    );
  }
});
