// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import { exactJson, method, sendStream, stream, subscribe, unstable } from "two-way-json-rpc";
import type {
  Bytes,
  CallOptions,
  Context,
  Handlers,
  Incoming,
  Peer,
  RpcError,
  Source,
  SubscribeOptions,
} from "two-way-json-rpc";

/** Rooms to talk in. */
export class ChatClient {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /**
   * Joins a room. Others see it.
   *
   * At once.
   * @param room The room.
   * @throws {ChatError}
   */
  join(
    room: string,
    lang?: string,
    seat?: number | null,
    options?: CallOptions,
  ): Promise<PageOfUser> {
    return this.#peer.call("chat.join", { room, lang, seat }, { timeout: 2000, isIdempotent: true, json: exactJson, ...options });
  }

  say(text: string, to: Recipient[]): void {
    this.#peer.notify("chat.say", [text, to]);
  }

  /**
   * What is said from now on.
   * @throws {ChatError}
   */
  listen(room: string, options?: SubscribeOptions): Incoming<Message> {
    return subscribe(this.#peer, "chat.listen", [room], { json: exactJson, ...options });
  }

  /**
   * Stores a file.
   * @throws {ChatError}
   */
  upload(
    name: string,
    chunks: Source<SizedBase64>,
    options?: CallOptions<number | bigint>,
  ): Promise<Bytes> {
    return this.#peer.call("chat.upload", [name, sendStream(chunks)], { json: exactJson, ...options });
  }

  /** Changes settings. */
  configure(settings: SettingsInput, options?: CallOptions): Promise<SettingsOutput> {
    return this.#peer.call("chat.configure", settings, options);
  }

  all(options?: CallOptions): Promise<PageOfMessage> {
    return this.#peer.call("chat.all", undefined, { json: exactJson, ...options });
  }
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

/** Names of a node. */
export class NodeClient {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** New heads. */
  heads(options?: SubscribeOptions): Incoming<number | bigint> {
    return subscribe(this.#peer, "subscribe", ["heads"], { json: exactJson, unsubscribe: "stop", ...options });
  }

  /** Log lines. */
  logs(level: Level, options?: SubscribeOptions): Incoming<string> {
    return subscribe(this.#peer, "subscribe", ["logs", level], { unsubscribe: "stop", ...options });
  }
}

/** What clients offer. */
export interface ChatterHandlers {
  /**
   * Asks the user.
   * @since 1.0
   * @deprecated since 1.2.0: call `ask`
   */
  confirm: (
    question: string,
    settings: SettingsOutput,
    context: Context,
  ) => boolean | Promise<boolean>;

  news: (message: Message, context: Context) => void | Promise<void>;

  /**
   * Draws a picture; answers what is on the screen then.
   * @experimental The method may change or go. It is there only for an end that asks for unstable methods.
   */
  draw: (picture: Bytes, context: Context) => Bytes | null | Promise<Bytes | null>;

  /** @experimental The method may change or go. It is there only for an end that asks for unstable methods. */
  watch: (context: Context) => Source<Bytes> | Promise<Source<Bytes>>;
}

/** Makes the handlers of a peer of an object that implements `ChatterHandlers`. */
export function chatterHandlers(handlers: ChatterHandlers): Handlers {
  return {
    "chatter.draw": unstable(method(
      ["picture"],
      (picture: Bytes, context: Context) => handlers.draw(picture, context),
    )),
    "chatter.watch": unstable(stream([], (context: Context) => handlers.watch(context))),
    "chatter.confirm": method(
      ["question", "settings"],
      (question: string, settings: SettingsOutput, context: Context) => handlers.confirm(question, settings, context),
    ),
    "chatter.news": method(
      ["message"],
      (message: Message, context: Context) => handlers.news(message, context),
    ),
  };
}

export type Level = "info" | "error";

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
    chatter: {
      name: "chatter",
      version: "1.2",
      hash: "11ea4d4ef8c10166c09349d7c20fb16e",
      methods: ["chatter.confirm", "chatter.news", "chatter.draw", "chatter.watch"],
    },
  },
  calls: {
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
    node: {
      name: "Node",
      hash: "e8cdfb4f1590c31bf3bceeccb564373e",
      methods: ["subscribe"],
    },
  },
} as const;
