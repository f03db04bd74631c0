// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import { exactJson, method } from "two-way-json-rpc";
import type { CallOptions, Context, Handlers, Peer } from "two-way-json-rpc";

export class ReferenceClient {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  add(a: number | bigint, b: number | bigint, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("add", [a, b], { json: exactJson, ...options });
  }

  offers(options?: CallOptions): Promise<string> {
    return this.#peer.call("offers", undefined, options);
  }
}

export interface CallerHandlers {
  bounce: (depth: number, context: Context) => number | Promise<number>;

  tick: (n: number, context: Context) => void | Promise<void>;

  message: (group: string, value: unknown, context: Context) => void | Promise<void>;

  answer: (question: string, context: Context) => unknown | Promise<unknown>;

  ask: (question: string, context: Context) => boolean | Promise<boolean>;
}

/** Makes the handlers of a peer of an object that implements `CallerHandlers`. */
export function callerHandlers(handlers: CallerHandlers): Handlers {
  return {
    "bounce": method(
      ["depth"],
      (depth: number, context: Context) => handlers.bounce(depth, context),
    ),
    "tick": method(["n"], (n: number, context: Context) => handlers.tick(n, context)),
    "message": method(
      ["group", "value"],
      (group: string, value: unknown, context: Context) => handlers.message(group, value, context),
    ),
    "answer": method(
      ["question"],
      (question: string, context: Context) => handlers.answer(question, context),
    ),
    "ask": method(
      ["question"],
      (question: string, context: Context) => handlers.ask(question, context),
    ),
  };
}

/** The services of both ends by version and hash, for `offers` and `offered`. */
export const services = {
  serves: {
    caller: {
      name: "Caller",
      version: "1.2",
      hash: "820619ba75547dfade4feddffe1d938d",
      methods: ["bounce", "tick", "message", "answer", "ask"],
    },
  },
  calls: {
    reference: {
      name: "Reference",
      version: "1.2",
      hash: "ef8a5e41510f7dc53b3a225bd18fb46b",
      methods: ["add", "offers"],
    },
  },
} as const;
