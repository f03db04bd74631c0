/** Pages of several versions at one server, by modules that were made of the traits of each. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { model } from "./generated/reference.model.js";
import { callerHandlers, ReferenceClient, services } from "./generated/reference.js";
import { model as oldModel } from "./generated/reference-old.model.js";
import * as old from "./generated/reference-old.js";
import { model as otherModel } from "./generated/reference-other.model.js";
import * as other from "./generated/reference-other.js";
import {
  connect,
  offered,
  offers,
  type Handlers,
  type Model,
  type Peer,
  type RpcError,
  type Services,
} from "../src/index.js";
import { closing } from "./support/connected.js";
import { Reference } from "./support/reference.js";

let server: Reference;
let lines: string[] = [];

before(async () => {
  server = await Reference.start("--schema");
});
after(() => server.stop());

async function page(handlers: Handlers, services: Services, model?: Model): Promise<Peer> {
  lines = [];
  const versions = offers(services, { ...(model && { model }), onDiffers: (line) => lines.push(line) });
  const peer = await connect(server.url, { WebSocket, handlers, features: [versions] });
  closing(peer);
  return peer;
}

const bounce = (depth: number): number => depth;
const today = callerHandlers({ bounce, tick() {}, message() {}, answer: () => null });
const others = other.callerHandlers({ bounce, tick() {}, message() {}, answer: () => null, ask: () => true });
const older = old.callerHandlers({ bounce: (depth, by) => depth - by, tick() {} });

test("a page of the same traits", async () => {
  const peer = await page(today, services);
  assert.equal(await new ReferenceClient(peer).offers(), "same");
  assert.deepEqual(await offered(peer, services.calls.reference, model), { is: "same" });
  assert.deepEqual(lines, []);
  const error = await peer.call("stats", [1]).catch((error: RpcError) => error);
  assert.deepEqual([(error as RpcError).code, (error as RpcError).mismatch], [-32602, undefined]);
});

test("a page of older traits", async () => {
  const peer = await page(older, old.services, oldModel);
  const reference = new old.ReferenceClient(peer);
  assert.deepEqual((await reference.offers()).trim().split("\n"), [
    "differs",
    "BREAKS  as the two ends are: the server's call of `bounce`: the param `by` is required, and is not sent",
    "BREAKS  as the two ends are: the server's call of `message`: the other end has no such method",
    "BREAKS  as the two ends are: the server's call of `answer`: the other end has no such method",
  ]);
  assert.deepEqual(lines, ["versions of services: the other end's `Reference` is version 1.1, not 1.0"]);

  const lacks = "the other end's `Reference` is version 1.1, not 1.0, and lacks `forget`";
  await assert.rejects(reference.forget("key"), { code: -32601, message: `no method \`forget\`: ${lacks}` });
  await assert.rejects(reference.count("key", 1), (error: RpcError) => {
    assert.match(error.message, /: the other end's `Reference` is version 1.1, not 1.0$/);
    return error.code === -32602 && error.mismatch?.offered?.version === "1.1";
  });

  const offer = await offered(peer, old.services.calls.reference, oldModel);
  assert.equal(offer.is, "differs");
  const breaks = "changes" in offer ? offer.changes.filter(({ breaks }) => breaks) : [];
  assert.deepEqual(
    breaks.map(({ method, text }) => [method, text]),
    [
      ["greet", "the param `first_name` is named `name`: who sends it by name is refused"],
      ["count", "the param `from` is unknown, and refused"],
      ["forget", "the other end has no such method"],
    ],
  );
  await assert.rejects(reference.count("key", 1), /not 1.0: the param `from` is unknown, and refused$/);
});

test("a page that calls less and offers more", async () => {
  const peer = await page(others, other.services, otherModel);
  assert.equal(await new other.ReferenceClient(peer).offers(), "compatible");
  assert.deepEqual(await offered(peer, other.services.calls.reference, otherModel), { is: "compatible", changes: [] });
});

test("a page that tells no model, and one that tells nothing", async () => {
  const peer = await page(older, old.services);
  assert.equal(await new old.ReferenceClient(peer).offers(), "unknown");
  const silent = await connect(server.url, { WebSocket });
  closing(silent);
  assert.equal(await new ReferenceClient(silent).offers(), "unknown");
  assert.deepEqual(await offered(silent, services.calls.reference, model), { is: "same" });
});

test("a server that tells nothing", async () => {
  const plain = await Reference.start();
  const peer = await connect(plain.url, { WebSocket, features: [offers(services)] });
  closing(peer);
  assert.deepEqual(await offered(peer, services.calls.reference, model), { is: "unknown" });
  await plain.stop();
});
