// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import { exactJson, method, stream, streamParam } from "two-way-json-rpc";
import type { Bytes, Context, Handlers, RpcError, Source } from "two-way-json-rpc";

/** Rooms to talk in. */
export interface ChatHandlers {
  /**
   * Joins a room. Others see it.
   *
   * At once.
   * @param room The room.
   * @throws {ChatError}
   */
  join: (
    room: string,
    lang: string,
    seat: number | null | undefined,
    context: Context,
  ) => PageOfUser | Promise<PageOfUser>;

  say: (text: string, to: Recipient[], context: Context) => void | Promise<void>;

  /**
   * What is said from now on.
   * @throws {ChatError}
   */
  listen: (room: string, context: Context) => Source<Message> | Promise<Source<Message>>;

  /**
   * Stores a file.
   * @throws {ChatError}
   */
  upload: (
    name: string,
    chunks: AsyncIterable<SizedBase64>,
    context: Context,
  ) => Bytes | Promise<Bytes>;

  /** Changes settings. */
  configure: (
    settings: SettingsInput,
    context: Context,
  ) => SettingsOutput | Promise<SettingsOutput>;

  all: (context: Context) => PageOfMessage | Promise<PageOfMessage>;
}

/** Makes the handlers of a peer of an object that implements `ChatHandlers`. */
export function chatHandlers(handlers: ChatHandlers): Handlers {
  return {
    "chat.join": method(
      ["room", "lang?", "seat?"],
      (room: string, lang: string = "", seat: number | null | undefined, context: Context) => handlers.join(room, lang, seat, context),
      { json: exactJson },
    ),
    "enter": method(
      ["room", "lang?", "seat?"],
      (room: string, lang: string = "", seat: number | null | undefined, context: Context) => handlers.join(room, lang, seat, context),
      { json: exactJson },
    ),
    "chat.say": method(
      ["text", "to"],
      (text: string, to: Recipient[], context: Context) => handlers.say(text, to, context),
    ),
    "chat.listen": stream(
      ["room"],
      (room: string, context: Context) => handlers.listen(room, context),
      { json: exactJson },
    ),
    "chat.upload": method(
      ["name", streamParam("chunks")],
      (name: string, chunks: AsyncIterable<SizedBase64>, context: Context) => handlers.upload(name, chunks, context),
      { json: exactJson },
    ),
    "chat.configure": { serve: (params, context) => handlers.configure(params as SettingsInput, context) },
    "chat.all": method([], (context: Context) => handlers.all(context), { json: exactJson }),
  };
}

export type ChatError =
  /** No place is left. */
  | RpcError<1001, { max: number; until: string | null }>
  /** NoRoom */
  | RpcError<1002, string>
  /** NotMember */
  | RpcError<1003, undefined>
  /** Taken */
  | RpcError<1004, [User2, number]>;

export const ChatErrorCode = { Full: 1001, NoRoom: 1002, NotMember: 1003, Taken: 1004 } as const;

export type Message =
  | { from: User; kind: "text"; text: string }
  | { at: [number, number]; kind: "left" };

export interface PageOfMessage {
  next: number | bigint | null;
  rows: Message[];
}

export interface PageOfUser {
  next: number | bigint | null;
  rows: User[];
}

export type Recipient = "Everyone" | { User: string };

/** What is read and what is written differ: a field with a default may be missing. */
export interface SettingsInput {
  colors: Record<string, number>;
  loud?: boolean;
}

/** What is read and what is written differ: a field with a default may be missing. */
export interface SettingsOutput {
  colors: Record<string, number>;
  loud: boolean;
}

/** The number of all bytes, as the first item. The bytes, as each other item. */
export type SizedBase64 = number | bigint | Bytes;

/** Someone who talks. */
export interface User {
  friends: User[];
  /** The name that others see. */
  name: string;
}

/** A name that ends in a number, though no other type is called `User`'s second. */
export interface User2 {
  id: number | bigint;
}

/** The services of both ends by version and hash, for `offers` and `offered`. */
export const services = {
  serves: {
    chat: {
      name: "chat",
      hash: "bd4273e11d0178ba2ad7ff2fb877a42a",
      methods: [
        "chat.join",
        "enter",
        "chat.say",
        "chat.listen",
        "chat.upload",
        "chat.configure",
        "chat.all",
      ],
    },
  },
  calls: {},
} as const;
