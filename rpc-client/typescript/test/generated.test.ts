/**
 * Modules that the generator made of Rust traits: they work together, and mistakes in their use do not compile. The
 * lines behind `@ts-expect-error` are such mistakes; a compiler that takes one of them fails.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient, ChatErrorCode, chatterHandlers, type ChatError } from "./generated/client.js";
import { chatHandlers, type ChatHandlers, type User } from "./generated/server.js";
import { overLink, RpcError, type Peer } from "../src/index.js";
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
    let bytes = name;
    for await (const chunk of chunks) bytes += chunk;
    return bytes;
  },
  configure: ({ colors, loud = true }) => ({ colors, loud }),
  all: () => ({ rows: [], next: null }),
};
const said: unknown[] = [];

/** Two peers, of which one serves the rooms and the other one answers questions. */
function connected(): { chat: ChatClient; close: () => void } {
  const [near, far] = pair();
  const server: Peer = overLink(far, { handlers: chatHandlers(rooms) });
  const handlers = chatterHandlers({ confirm: (question) => question !== "", news() {} });
  const client = overLink(near, { handlers });
  return {
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
  assert.equal(await chat.upload("a", ["b", "c"]), "abc");
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

/** Never runs: it is there for the compiler. */
export function mistakes(chat: ChatClient, error: ChatError): void {
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
  chatterHandlers({ confirm: () => true });
  // @ts-expect-error a handler returns something else
  chatterHandlers({ confirm: () => "yes", news() {} });
  // @ts-expect-error a handler wants something else
  chatterHandlers({ confirm: (question: number) => question > 0, news() {} });
}
