/** Notifications that this end or the reference server does not want. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { keepConnected, mutable, mute, skipped, unmute, type Client, type Feature } from "../src/index.js";
import { Proxy, Reference } from "./support/reference.js";

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

/** What the server has published to this end. */
let heard: unknown[] = [];

async function connected(features: Feature[] = []): Promise<Client> {
  heard = [];
  const client = keepConnected(proxy.url, {
    WebSocket,
    minDelay: 5,
    maxDelay: 20,
    features,
    handlers: { message: (_group: string, value: unknown) => heard.push(value) },
  });
  await client.up();
  return client;
}

/** The server publishes to this end. What is not muted has come when this returns. */
async function publish(client: Client, value: unknown): Promise<void> {
  await client.call("join", ["all"]);
  await client.call("publish", ["all", value]);
}

test("the server sends nothing that this end has muted, over breaks and in the next session too", async () => {
  const client = await connected();
  await publish(client, "before");
  mute(client, "message");
  await publish(client, "muted");
  assert.equal(await client.call("skipped"), 1);
  proxy.cut();
  await publish(client, "behind a break");
  assert.deepEqual(client.state, { is: "up", resumed: true });
  assert.equal(await client.call("skipped"), 2);
  await client.newSession();
  await publish(client, "in another session");
  assert.equal(await client.call("skipped"), 1);
  unmute(client, "message");
  await publish(client, "wanted");
  assert.deepEqual(heard, ["before", "wanted"]);
  // None has come to be left out here.
  assert.equal(skipped(client), 0);
  client.close();
});

test("this end sends nothing that the server has muted, over breaks too, and all in the next session", async () => {
  const client = await connected([mutable]);
  await client.call("mute", ["note", true]);
  client.notify("note", ["muted"]);
  await client.call("notes"); // so the server knows that this end has its session
  proxy.cut();
  client.notify("note", ["behind a break"]);
  assert.deepEqual(await client.call("notes"), []);
  assert.deepEqual(client.state, { is: "up", resumed: true });
  assert.equal(skipped(client), 2);
  assert.equal(await client.call("skipped"), 0);
  await client.call("mute", ["note", false]);
  client.notify("note", ["wanted"]);
  assert.deepEqual(await client.call("notes"), ["wanted"]);
  await client.call("mute", ["note", true]);
  await client.newSession();
  client.notify("note", ["new"]);
  assert.deepEqual(await client.call("notes"), ["new"]);
  assert.equal(skipped(client), 2);
  client.close();
});

test("what this end sends although it is muted, as it does not know of that, is not run", async () => {
  const client = await connected();
  await client.call("mute", ["note", true]);
  client.notify("note", ["muted"]);
  assert.deepEqual(await client.call("notes"), []);
  assert.equal(await client.call("skipped"), 1);
  client.close();
});
