/**
 * Modules that the generator made of Rust traits: they work together, and mistakes in their use do not compile. The
 * lines behind `@ts-expect-error` are such mistakes; a compiler that takes one of them fails.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient, ChatErrorCode, chatterHandlers, services, type ChatError } from "./generated/client.js";
import { model } from "./generated/client.model.js";
import { chatHandlers, services as served, type ChatHandlers, type User } from "./generated/server.js";
import { bytes, bytesOf, offered, offers, overLink, RpcError, type Bytes, type Peer } from "../src/index.js";
import { pair } from "./support/pair.js";

const ada: User = { name: "Ada", friends: [] };

const rooms: ChatHandlers = {
  async join(room, lang, seat) {
    if (room === "full") throw new RpcError(ChatErrorCode.Full, "full", { max: 5, until: null });
    return { rows: [{ ...ada, name: `${room} ${lang === "" ? "no language" : lang} ${seat}` }], next: 2n ** 63n };
  },
  say(text, to) {
    said.push([text, to]);
  },
  async *listen() {
    yield { kind: "text", from: ada, text: "one" };
    yield { kind: "left", at: [1, 2] };
  },
  async upload(name, chunks) {
    let text = name;
    for await (const chunk of chunks) text += typeof chunk === "object" ? bytesOf(chunk).length : chunk;
    return text;
  },
  configure: ({ colors, loud = true }) => ({ colors, loud }),
  all: () => ({ rows: [], next: null }),
};
const said: unknown[] = [];

/** Two peers, of which one serves the rooms and the other one answers questions. */
function connected(asksForUnstable = false): { chat: ChatClient; client: Peer; server: Peer; close: () => void } {
  const [near, far] = pair();
  const server: Peer = overLink(far, {
    handlers: chatHandlers(rooms),
    features: [bytes, offers(served)],
    unstable: asksForUnstable,
  });
  const handlers = chatterHandlers({
    confirm: (question) => question !== "",
    news() {},
    draw: (picture) => new Uint8Array(bytesOf(picture).length),
    *watch() {
      yield new Uint8Array(5_000);
    },
  });
  const client = overLink(near, { handlers, features: [bytes, offers(services, { model, onDiffers: () => {} })] });
  return {
    client,
    server,
    chat: new ChatClient(client),
    close: () => [client, server].forEach((peer) => peer.close()),
  };
}

test("a generated client calls generated handlers", async () => {
  const { chat, close } = connected();
  const page = await chat.join("lobby", undefined, 3);
  assert.deepEqual(page, { rows: [{ name: "lobby no language 3", friends: [] }], next: 2n ** 63n });
  assert.equal((await chat.join("lobby", "en")).rows[0]?.name, "lobby en undefined");
  chat.say("hi", ["Everyone", { User: "Ada" }]);
  const items = [];
  for await (const item of chat.listen("lobby")) items.push(item.kind);
  assert.deepEqual(items, ["text", "left"]);
  assert.equal(await chat.upload("a", ["b", "c", new Uint8Array(5_000), new Uint8Array(9)]), "abc5000AAAAAAAAAAAA");
  assert.deepEqual(await chat.configure({ colors: { red: 1 } }), { colors: { red: 1 }, loud: true });
  assert.deepEqual(await chat.all(), { rows: [], next: null });
  assert.deepEqual(said, [["hi", ["Everyone", { User: "Ada" }]]]);
  close();
});

test("errors are told apart by their codes", async () => {
  const { chat, close } = connected();
  const error = await chat.join("full").then(
    () => assert.fail("the room is full"),
    (error: unknown) => error as ChatError,
  );
  assert.equal(error.code === ChatErrorCode.Full ? error.data.max : 0, 5);
  close();
});

test("generated handlers are unstable where the trait says so", async () => {
  for (const asks of [false, true]) {
    const { server, close } = connected(asks);
    assert.equal(await server.call("chatter.confirm", ["?", { colors: {}, loud: true }]), true);
    const drawn = server.call<Bytes>("chatter.draw", [new Uint8Array(6_000)]);
    if (asks) assert.deepEqual(await drawn, new Uint8Array(6_000));
    else await assert.rejects(drawn, { code: -32601, message: "no method `chatter.draw`" });
    close();
  }
});

test("generated modules of both ends offer what the other one calls", async () => {
  const { client, server, close } = connected();
  await client.call("chat.all");
  assert.deepEqual(await offered(client, services.calls.chat, model), { is: "same" });
  assert.deepEqual(await offered(server, services.serves.chatter, { ...model, end: "server" }), { is: "same" });
  assert.deepEqual(await offered(client, services.calls.node, model), { is: "unknown" });
  close();
});

/** Never runs: it is there for the compiler. */
export function mistakes(chat: ChatClient, peer: Peer, error: ChatError): void {
  // @ts-expect-error bytes are no numbers
  void chat.upload("name", [[1, 2, 3]]);
  // @ts-expect-error an `ArrayBuffer` is no `Uint8Array`
  void chat.upload("name", [new ArrayBuffer(3)]);
  // @ts-expect-error what has come may be bytes, or their text
  void chat.upload("name", []).then((stored) => stored.charAt(0));
  // @ts-expect-error what has come may be text
  void chat.upload("name", []).then((stored) => stored.byteLength);
  // @ts-expect-error a handler returns a list of numbers
  chatterHandlers({ confirm: () => true, news() {}, draw: () => [1], *watch() {} });
  // @ts-expect-error a handler takes text alone
  chatterHandlers({ confirm: () => true, news() {}, draw: (picture: string) => picture, *watch() {} });
  // @ts-expect-error a handler of an unstable method is missing
  chatterHandlers({ confirm: () => true, news() {}, draw: () => null });
  // @ts-expect-error no such service is called
  void offered(peer, services.calls.chatter, model);
  // @ts-expect-error the services are no model
  void offered(peer, services.calls.chat, services);
  // @ts-expect-error one end alone
  offers(services.calls);
  // @ts-expect-error changes are known only of what differs
  void offered(peer, services.calls.chat, model).then((offer) => offer.changes);
  // @ts-expect-error a room is a text
  void chat.join(1);
  // @ts-expect-error a required parameter is missing
  void chat.upload("name");
  // @ts-expect-error there is no such method
  void chat.leave("lobby");
  // @ts-expect-error a notification has no answer
  void chat.say("hi", []).then;
  // @ts-expect-error there is no such recipient
  chat.say("hi", ["Somebody"]);
  // @ts-expect-error the data of another code
  if (error.code === ChatErrorCode.NoRoom) void error.data.max;
  // @ts-expect-error a handler is missing
  chatterHandlers({ confirm: () => true, draw: () => null, *watch() {} });
  // @ts-expect-error a handler returns something else
  chatterHandlers({ confirm: () => "yes", news() {}, draw: () => null, *watch() {} });
  // @ts-expect-error a handler wants something else
  chatterHandlers({ confirm: (question: number) => question > 0, news() {}, draw: () => null, *watch() {} });
}
