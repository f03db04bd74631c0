/** Clients that know several servers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { anyOf, Client, ConnectError, sse, webSocket, type Dial, type Link, type LinkEvents } from "../src/index.js";
import { Reference } from "./support/reference.js";

/** A server that answers as it is told, and the links to it. */
class Fake {
  readonly links: LinkEvents[] = [];
  answers = true;
  hangs = false;
  status: number | undefined;

  readonly dial: Dial = async ({ signal }) => {
    if (this.hangs) {
      return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(new Error("aborted"))));
    }
    if (!this.answers) throw new ConnectError("refused", this.status);
    const link: Link = { listen: (events) => this.links.push(events), send() {}, backlog: () => 0, close() {} };
    return link;
  };
}

/** Dials, and returns which server has answered. */
function dialling(...servers: Fake[]): (resumes?: boolean, signal?: AbortSignal) => Promise<number> {
  const [first, ...rest] = servers.map(({ dial }) => dial);
  const dial = anyOf(first!, ...rest);
  return async (resumes = false, signal = new AbortController().signal) => {
    const counts = servers.map(({ links }) => links.length);
    const link = await dial({ protocols: resumes ? ["jsonrpc2.resume"] : [], signal });
    link.listen({ message() {}, closed() {} });
    return servers.findIndex(({ links }, at) => links.length > counts[at]!);
  };
}

test("the first server that answers is taken, and that of a session before a preferred one", async () => {
  const [a, b, c] = [new Fake(), new Fake(), new Fake()];
  const dial = dialling(a, b, c);
  const heard = (server: Fake): void => server.links.at(-1)!.message("{}");
  assert.equal(await dial(), 0);
  heard(a);
  a.answers = false;
  assert.equal(await dial(), 1);
  heard(b);
  a.answers = true;
  assert.equal(await dial(true), 1);
  heard(b);
  assert.equal(await dial(), 0);
  heard(a);
  b.answers = c.answers = a.answers = false;
  await assert.rejects(dial(true), /refused/);
  c.answers = true;
  assert.equal(await dial(true), 2);
});

test("a link that ends before its first message counts as a server that does not answer", async () => {
  const [a, b] = [new Fake(), new Fake()];
  const dial = dialling(a, b);
  assert.equal(await dial(), 0);
  a.links[0]!.closed(undefined, "no such server");
  assert.equal(await dial(), 1);
  b.links[0]!.message("{}");
  b.links[0]!.closed(undefined, "lost");
  assert.equal(await dial(), 0);
  // This end has closed it itself, to begin again.
  assert.equal(await dial(), 0);
});

test("a server that says nothing costs one attempt, not all", async () => {
  const [a, b] = [new Fake(), new Fake()];
  a.hangs = true;
  const dial = dialling(a, b);
  const late = new AbortController();
  const attempt = dial(false, late.signal);
  late.abort();
  await assert.rejects(attempt, /aborted/);
  assert.equal(await dial(), 1);
});

test("only if no server wants the client it hears so", async () => {
  const [a, b] = [new Fake(), new Fake()];
  a.answers = b.answers = false;
  a.status = 403;
  const dial = dialling(a, b);
  await assert.rejects(dial(), { status: undefined });
  b.status = 401;
  await assert.rejects(dial(), { status: 403 });
  [a.status, b.status] = [undefined, 403];
  await assert.rejects(dial(), { status: undefined });
});

test("calls go on at another server, whatever carries them", async () => {
  for (const kind of ["--sessions", "--sse"]) {
    const [a, b] = await Promise.all([Reference.start("--sessions", kind), Reference.start("--sessions", kind)]);
    const dial = (url: string): Dial => (kind === "--sse" ? sse(url) : webSocket(url, { WebSocket }));
    const client = new Client(anyOf(dial(a.url), dial(b.url)), { minDelay: 5, maxDelay: 20 });
    assert.equal(await client.call("add", [1, 2]), 3);
    await a.stop();
    assert.equal(await client.call("add", [3, 4], { isIdempotent: true }), 7);
    client.close();
    await b.stop();
  }
});
