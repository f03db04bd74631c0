/** A client whose links are pipes, and whose server is text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Batch,
  CallError,
  Client,
  ConnectError,
  describe,
  followPage,
  keepConnected,
  subscribe,
  type Attempt,
  type ClientOptions,
  type Link,
  type State,
  type WebSocketClass,
} from "../src/index.js";
import { pair, pause, Raw } from "./support/pair.js";

const TOKENS = ["first-first-first-first", "second-second-second-second", "third-third-third-third"];

/** What is asked of the carrier: to be answered by the test. */
interface Dialled extends Attempt {
  readonly resolve: (link: Link) => void;
  readonly reject: (error: unknown) => void;
}

class Server {
  readonly dials: Dialled[] = [];
  readonly states: State[] = [];
  readonly client: Client;

  constructor(options: ClientOptions = {}) {
    const dial = (attempt: Attempt): Promise<Link> =>
      new Promise((resolve, reject) => this.dials.push({ ...attempt, resolve, reject }));
    const onState = (state: State): void => void this.states.push(state);
    this.client = new Client(dial, { minDelay: 1, maxDelay: 1, onError: () => {}, ...options, onState });
  }

  async dialled(): Promise<Dialled> {
    for (let turn = 0; turn < 2_000 && this.dials.length === 0; turn++)
      await new Promise((next) => setTimeout(next, 1));
    return this.dials.shift() ?? assert.fail("no attempt");
  }

  /** Gives the client a link, and returns the other end and the hello. */
  async link(): Promise<{ raw: Raw; session: any; protocols: readonly string[] }> {
    const { resolve, protocols } = await this.dialled();
    const [near, far] = pair();
    const raw = new Raw(far);
    resolve(near);
    const { method, params } = await raw.next();
    assert.equal(method, "$/hello");
    return { raw, session: params.session, protocols };
  }

  /** The client in a session. */
  async session(): Promise<Raw> {
    const { raw } = await this.link();
    hello(raw, { token: TOKENS[0] });
    assert.deepEqual((await raw.next()).params, { n: 0 });
    return raw;
  }

  get kinds(): string[] {
    return this.states.map(({ is }) => is);
  }
}

function hello(raw: Raw, session: object): void {
  const params = { duplex: 1, session: { keepMs: 120_000, buffer: 1 << 20, spreadMs: 0, ...session } };
  raw.send({ jsonrpc: "2.0", method: "$/hello", params });
}

function answer(raw: Raw, { id }: { id: number }, result: unknown): void {
  raw.send({ jsonrpc: "2.0", id, result });
}

test("a session is asked for again with the subprotocols that announce it", async () => {
  const server = new Server();
  const { protocols } = await server.link();
  assert.deepEqual(protocols, []);
  server.client.close();
  const other = new Server();
  (await other.session()).link.cut();
  const link = await other.link();
  assert.deepEqual(link.protocols, ["jsonrpc2", "jsonrpc2.resume"]);
  other.client.close();
});

test("the hello of a link asks for unstable methods, if the program does", async () => {
  const server = new Server({ unstable: true });
  const [near, far] = pair();
  const raw = new Raw(far);
  (await server.dialled()).resolve(near);
  assert.equal((await raw.next()).params.unstable, true);
  server.client.close();
});

test("after three answers that are no hello the client goes on without its token", async () => {
  const server = new Server();
  (await server.session()).link.cut();
  (await server.dialled()).reject(new ConnectError("what?", 500));
  const { raw, session } = await server.link();
  assert.equal(session.token, TOKENS[0]);
  raw.link.cut();
  (await server.dialled()).reject(new ConnectError("what?", 500));
  assert.equal((await server.link()).session.token, undefined);
  assert.equal(server.kinds.at(-1), "fresh");
  server.client.close();
});

/** Lets attempts fail as a browser does: without a reason. */
async function fail(server: Server, times: number): Promise<void> {
  for (let attempt = 0; attempt < times; attempt++) {
    const { protocols, reject } = await server.dialled();
    assert.notDeepEqual(protocols, []);
    reject(new ConnectError("no connection"));
  }
}

/** An attempt without an announcement, which shows whether there is a server. */
async function trial(server: Server): Promise<Dialled> {
  const dialled = await server.dialled();
  assert.deepEqual(dialled.protocols, []);
  return dialled;
}

test("a network that is away costs no session, though a browser does not say that it is the network", async () => {
  const server = new Server();
  (await server.session()).link.cut();
  for (let round = 0; round < 3; round++) {
    await fail(server, 3);
    (await trial(server)).reject(new ConnectError("no connection"));
  }
  await fail(server, 3);
  (await trial(server)).resolve(pair()[0]);
  const { session, raw } = await server.link();
  assert.equal(session.token, TOKENS[0]);
  hello(raw, { resumed: true, received: 0, token: TOKENS[1] });
  await server.client.up();
  assert.deepEqual(server.states.at(-1), { is: "up", resumed: true });
  server.client.close();
});

test("a server that refuses what announces a resume is gone on with, without the token", async () => {
  const server = new Server();
  (await server.session()).link.cut();
  await fail(server, 3);
  const [near, far] = pair();
  const raw = new Raw(far);
  (await trial(server)).resolve(near);
  await fail(server, 1);
  assert.equal(raw.closed!.code, 1000);
  await raw.silent(); // no session was begun over it
  const { session } = await server.link();
  assert.equal(session.token, undefined);
  assert.equal(server.kinds.at(-1), "fresh");
  server.client.close();
});

test("a client that was told to come back without its token does so, however many attempts fail", async () => {
  const server = new Server();
  (await server.session()).link.close(1000, "bye");
  for (let attempt = 0; attempt < 9; attempt++) (await trial(server)).reject(new ConnectError("no connection"));
  assert.equal((await server.link()).session.token, undefined);
  server.client.close();
});

test("servers that cannot be reached, or are busy, are no reason to give the token up", async () => {
  const server = new Server();
  (await server.session()).link.cut();
  for (const error of [
    new ConnectError("full", 503),
    new ConnectError("later", 429),
    new ConnectError("x", undefined, "refused"),
  ]) {
    for (let attempt = 0; attempt < 2; attempt++) (await server.dialled()).reject(error);
  }
  assert.equal((await server.link()).session.token, TOKENS[0]);
  server.client.close();
});

test("after HTTP 403, and after 401 twice, the client does not come back", async () => {
  for (const statuses of [[403], [401, 401]]) {
    const server = new Server();
    for (const status of statuses) (await server.dialled()).reject(new ConnectError("refused", status));
    assert.equal((await server.client.closed).reason, `HTTP status ${statuses[0]}`);
    await assert.rejects(server.client.up());
    assert.equal(server.kinds.at(-1), "ended");
  }
});

test("after some closes the client does not come back", async () => {
  for (const code of [4401, 4403, 4409]) {
    const server = new Server();
    const raw = await server.session();
    const call = server.client.call("m");
    await raw.next();
    raw.link.close(code, "not you");
    assert.deepEqual(await server.client.closed, { by: "peer", code, reason: "not you" });
    await assert.rejects(call, { failure: "closed" });
    assert.equal(server.dials.length, 0);
  }
});

test("messages are acknowledged when a quarter of the other's buffer has come", async () => {
  const server = new Server();
  const { raw } = await server.link();
  hello(raw, { token: TOKENS[0], buffer: 4_096 });
  await raw.next();
  const text = JSON.stringify({ jsonrpc: "2.0", method: "m", params: ["x".repeat(300)] });
  for (let n = 0; n < 4; n++) raw.send(text);
  assert.deepEqual((await raw.next()).params, { n: 3 });
  await raw.silent();
  server.client.close();
});

test("what opens a session goes before all else, and what fails to open it closes the link", async () => {
  let isGood = false;
  const server = new Server({
    onSession: async (peer) => {
      await peer.call("login");
      if (!isGood) throw new Error("no");
    },
  });
  const call = server.client.call("m");
  server.client.notify("n");
  const first = await server.link();
  hello(first.raw, { token: TOKENS[0] });
  const login = await first.raw.next();
  assert.equal(login.method, "login");
  await first.raw.next(); // the acknowledgement
  await first.raw.silent();
  answer(first.raw, login, null);
  await pause();
  assert.equal(first.raw.closed!.code, 1000);
  isGood = true;
  const { raw, session } = await server.link();
  assert.equal(session.token, undefined);
  answer(raw, await raw.next(), null);
  const sent = [await raw.next(), await raw.next()];
  assert.deepEqual(
    sent.map(({ method }) => method),
    ["m", "n"],
  );
  answer(raw, sent[0], 7);
  assert.equal(await call, 7);
  assert.equal(server.kinds.at(-1), "up");
  server.client.close();
});

test("a handler's answer does not wait for the session to be opened", async () => {
  const server = new Server({ handlers: { who: () => "me" }, onSession: (peer) => peer.call("login") });
  const { raw } = await server.link();
  const login = await raw.next();
  raw.send({ jsonrpc: "2.0", id: "s", method: "who" });
  assert.deepEqual(await raw.next(), { jsonrpc: "2.0", id: "s", result: "me" });
  answer(raw, login, null);
  await server.client.up();
  server.client.close();
});

test("a server that asks for another link gets one, over which the session goes on", async () => {
  const server = new Server();
  const old = await server.session();
  const call = server.client.call("m");
  const asked = await old.next();
  old.send({ jsonrpc: "2.0", method: "$/goaway", params: { reason: "drain", move: true } });
  const { raw, session } = await server.link();
  assert.deepEqual([session.token, session.received], [TOKENS[0], 1]);
  answer(old, asked, "too late: the link is not read any more");
  hello(raw, { resumed: true, received: 1, token: TOKENS[1] });
  assert.deepEqual((await raw.next()).params, { n: 1 });
  answer(raw, asked, 7);
  assert.equal(await call, 7);
  assert.equal(old.closed!.code, 4410);
  server.client.close();
});

test("a client whose link was to be taken over by another one is away since then, if both are lost", async () => {
  const server = new Server();
  await server.session();
  const before = performance.now();
  server.client.reconnectNow();
  const { raw } = await server.link();
  raw.link.cut();
  await pause();
  const state = server.states.at(-1)!;
  assert.ok(state.is === "away" && state.since >= before && state.attempt === 1, JSON.stringify(state));
  server.client.close();
});

test("a message that made the server close the link is not sent again and again", async () => {
  const server = new Server();
  let raw = await server.session();
  const bad = server.client.call("bad");
  await raw.next();
  const good = server.client.call("good");
  await raw.next();
  raw.link.close(1009, "too big");
  ({ raw } = await server.link());
  hello(raw, { refused: "ended", received: 0, code: 1009, reason: "too big", token: TOKENS[1] });
  await assert.rejects(bad, { failure: "closed", fate: "NotSent" });
  assert.deepEqual((await raw.next()).params, { n: 0 });
  answer(raw, await raw.next(), 1);
  assert.equal(await good, 1);
  server.client.close();
});

test("a batch that was not taken in goes on as one message", async () => {
  const server = new Server();
  let raw = await server.session();
  const batch = new Batch(server.client);
  const calls = [batch.call("a"), batch.call("b")];
  batch.notify("n");
  batch.send();
  assert.equal((await raw.next()).length, 3);
  raw.link.cut();
  ({ raw } = await server.link());
  hello(raw, { refused: "unknown", received: 0, token: TOKENS[1] });
  await raw.next();
  const again = await raw.next();
  assert.deepEqual(
    again.map(({ method }: { method: string }) => method),
    ["a", "b", "n"],
  );
  raw.send([1, 2].map((result, at) => ({ jsonrpc: "2.0", id: again[at].id, result })));
  assert.deepEqual(await Promise.all(calls), [1, 2]);
  server.client.close();
});

test("a subscription survives two sessions that end before it is made anew", async () => {
  const server = new Server();
  let raw = await server.session();
  const gaps: unknown[] = [];
  const items = subscribe(server.client, "news", [], { onGap: (missed) => gaps.push(missed) });
  answer(raw, await raw.next(), "a");
  raw.send({ jsonrpc: "2.0", method: "news", params: { subscription: "a", seq: 1, result: 1 } });
  assert.equal((await items.next()).value, 1);
  for (const token of [TOKENS[1], TOKENS[2]]) {
    raw.link.cut();
    ({ raw } = await server.link());
    hello(raw, { refused: "unknown", token });
    await raw.next();
    const { method, id } = await raw.next();
    assert.equal(method, "news");
    if (token === TOKENS[2]) answer(raw, { id }, "b");
  }
  raw.send({ jsonrpc: "2.0", method: "news", params: { subscription: "b", seq: 1, result: 2 } });
  assert.equal((await items.next()).value, 2);
  assert.deepEqual(gaps, [undefined]);
  server.client.close();
});

test("a subscription begins anew in another session that the program asks for", async () => {
  const server = new Server();
  const raw = await server.session();
  const gaps: unknown[] = [];
  const items = subscribe(server.client, "ticks", undefined, { onGap: (missed) => gaps.push(missed) });
  answer(raw, await raw.next(), "s1");
  await pause();
  const up = server.client.newSession();
  const { raw: other } = await server.link();
  await up;
  const call = await other.next();
  assert.equal(call.method, "ticks");
  answer(other, call, "s2");
  other.send({ jsonrpc: "2.0", method: "ticks", params: { subscription: "s2", result: 7 } });
  assert.deepEqual(await items.next(), { done: false, value: 7 });
  assert.deepEqual(gaps, [undefined]);
  server.client.close();
});

test("a client that has ended begins no other session", async () => {
  const server = new Server();
  await server.session();
  server.client.close();
  await server.client.closed;
  await assert.rejects(server.client.newSession());
  assert.equal(server.dials.length, 0);
});

test("notifications that may not have arrived are counted, in batches too", async () => {
  const server = new Server();
  let raw = await server.session();
  const batch = new Batch(server.client);
  batch.notify("a");
  batch.send();
  server.client.notify("b");
  await raw.next();
  await raw.next();
  raw.link.cut();
  ({ raw } = await server.link());
  hello(raw, { refused: "unknown", token: TOKENS[1] });
  await server.client.up();
  assert.deepEqual(server.states.at(-1), { is: "fresh", calls: 0, notifications: 2 });
  server.client.close();
});

test("what a function of the program throws does not change what counts", async () => {
  const thrown: unknown[] = [];
  const listeners = process.rawListeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  const server = new Server();
  let raw = await server.session();
  const call = server.client.call("m", [], {
    onProgress() {
      throw new Error("of the program");
    },
  });
  const { id } = await raw.next();
  raw.send({ jsonrpc: "2.0", method: "$/progress", params: { token: id, value: 1 } });
  await new Promise((next) => setTimeout(next, 10));
  raw.link.cut();
  const link = await server.link();
  assert.equal(link.session.received, 1);
  assert.equal(thrown.length, 1);
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener as (error: Error) => void);
  server.client.close();
  await assert.rejects(call);
});

test("a call of a method that may run twice is made anew", async () => {
  const server = new Server();
  let raw = await server.session();
  const call = server.client.call("m", [], { isIdempotent: true });
  await raw.next();
  raw.link.cut();
  ({ raw } = await server.link());
  hello(raw, { refused: "unknown", token: TOKENS[1] });
  await raw.next();
  answer(raw, await raw.next(), 5);
  assert.equal(await call, 5);
  server.client.close();
});

test("handlers are stopped when their session ends, and not when a link does", async () => {
  const ends: unknown[] = [];
  const server = new Server({
    handlers: {
      wait: {
        serve: (_, { signal }) =>
          new Promise(() => signal.addEventListener("abort", () => ends.push((signal.reason as CallError).failure))),
      },
    },
  });
  let raw = await server.session();
  raw.send({ jsonrpc: "2.0", id: 1, method: "wait" });
  await pause();
  raw.link.cut();
  await pause();
  assert.deepEqual(ends, []);
  ({ raw } = await server.link());
  hello(raw, { refused: "unknown", token: TOKENS[1] });
  await pause();
  assert.deepEqual(ends, ["closed"]);
  server.client.close();
});

test("a close ends the client, its calls, and whoever waits", async () => {
  const server = new Server();
  const up = server.client.up();
  const call = server.client.call("m");
  server.client.close(1000, "bye");
  await assert.rejects(up);
  await assert.rejects(call, { failure: "closed", fate: "NotSent" });
  assert.equal(describe(server.client.state), "ended: bye");
  const { signal } = await server.dialled();
  assert.ok(signal!.aborted);
});

test("the life of a page: put away or frozen, brought back, online again", async () => {
  const listeners = new Map<string, (event: { persisted?: boolean }) => void>();
  const page = {
    addEventListener: (type: string, listener: (event: { persisted?: boolean }) => void) =>
      listeners.set(type, listener),
    removeEventListener: (type: string) => listeners.delete(type),
  };
  const server = new Server();
  const end = followPage(server.client, page);
  let raw = await server.session();
  const events = [
    ["pagehide", "pageshow"],
    ["freeze", "resume"],
  ] as const;
  for (const [at, [away, back]] of events.entries()) {
    listeners.get(away)!({});
    await pause();
    assert.equal(raw.closed!.code, 4410);
    await new Promise((next) => setTimeout(next, 20));
    assert.equal(server.dials.length, 0, "nothing is tried while the page is away");
    listeners.get(back)!({ persisted: true });
    let session;
    ({ raw, session } = await server.link());
    assert.equal(session.token, TOKENS[at]);
    hello(raw, { resumed: true, received: 0, token: TOKENS[at + 1] });
    await raw.next();
  }
  // Visible again: the link may be dead, and is asked.
  listeners.get("visibilitychange")!({});
  assert.equal((await raw.next()).method, "$/ping");
  raw.link.cut();
  await pause();
  listeners.get("online")!({});
  await server.dialled();
  end();
  assert.equal(listeners.size, 0);
  server.client.close();
});

test("a page that has much to send keeps its link when it is looked at", async () => {
  const listeners = new Map<string, (event: object) => void>();
  const page = {
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, listener),
    removeEventListener: (type: string) => listeners.delete(type),
  };
  const server = new Server();
  followPage(server.client, page);
  const raw = await server.session();
  raw.link.other.held = 1 << 20;
  listeners.get("visibilitychange")!({});
  await pause();
  assert.equal(raw.closed, undefined);
  raw.link.other.held = 0;
  assert.equal((await raw.next()).method, "$/ping");
  server.client.close();
});

test("a page that is online again asks whether its link is alive, also if there is no session", async () => {
  const listeners = new Map<string, () => void>();
  const page = {
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, () => listener({})),
    removeEventListener: () => {},
  };
  const server = new Server({ session: false });
  followPage(server.client, page);
  const { raw } = await server.link();
  listeners.get("online")!();
  assert.equal((await raw.next()).method, "$/ping");
  server.client.close();
});

test("the URL is asked for at each attempt", async () => {
  const urls: string[] = [];
  class Refusing {
    readyState = 3;
    bufferedAmount = 0;
    binaryType = "";
    constructor(url: string) {
      urls.push(url);
    }
    send(): void {}
    close(): void {}
    addEventListener(type: string, listener: (event: object) => void): void {
      if (type === "close") setImmediate(() => listener({ code: 1006, reason: "" }));
    }
  }
  let ticket = 0;
  const client = keepConnected(async () => `ws://x/?ticket=${++ticket}`, {
    WebSocket: Refusing as unknown as WebSocketClass,
    minDelay: 1,
    maxDelay: 1,
  });
  while (urls.length < 3) await new Promise((next) => setTimeout(next, 1));
  client.close();
  assert.deepEqual(
    urls.slice(0, 3),
    [1, 2, 3].map((n) => `ws://x/?ticket=${n}`),
  );
});
