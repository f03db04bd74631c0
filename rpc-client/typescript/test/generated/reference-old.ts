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

  greet(firstName: string, options?: CallOptions): Promise<string> {
    return this.#peer.call("greet", [firstName], options);
  }

  count(key: string, from: number | bigint, options?: CallOptions): Promise<number | bigint> {
    return this.#peer.call("count", [key, from], { json: exactJson, ...options });
  }

  offers(options?: CallOptions): Promise<string> {
    return this.#peer.call("offers", undefined, options);
  }

  forget(key: string, options?: CallOptions): Promise<boolean> {
    return this.#peer.call("forget", [key], options);
  }
}

export interface CallerHandlers {
  bounce: (depth: number, by: number, context: Context) => number | Promise<number>;

  tick: (n: number, context: Context) => void | Promise<void>;
}

/** Makes the handlers of a peer of an object that implements `CallerHandlers`. */
export function callerHandlers(handlers: CallerHandlers): Handlers {
  return {
    "bounce": method(
      ["depth", "by"],
      (depth: number, by: number, context: Context) => handlers.bounce(depth, by, context),
    ),
    "tick": method(["n"], (n: number, context: Context) => handlers.tick(n, context)),
  };
}

/** The services of both ends by version and hash, for `offers` and `offered`. */
export const services = {
  serves: {
    caller: {
      name: "Caller",
      version: "1.0",
      hash: "9353d9afded7054d29a991bcb67fc8a2",
      methods: ["bounce", "tick"],
    },
  },
  calls: {
    reference: {
      name: "Reference",
      version: "1.0",
      hash: "7107e475ccfc8fc42b3e5c0536129df1",
      methods: ["add", "greet", "count", "offers", "forget"],
    },
  },
} as const;
