/** A publisher under test: its taker is text. */

import assert from "node:assert/strict";
import type { Handlers, Peer, PeerOptions } from "../../src/index.js";
import { connect } from "./connected.js";
import type { Raw } from "./pair.js";

export class Subscriber {
  readonly raw: Raw;
  readonly peer: Peer;
  #lastId = 0;

  constructor(handlers: Handlers, options: PeerOptions = {}) {
    const { raw, peer } = connect({ handlers, ...options });
    this.raw = raw;
    this.peer = peer;
  }

  /** Says hello. */
  async greet(more: object = {}): Promise<this> {
    this.raw.send({ jsonrpc: "2.0", method: "$/hello", params: { duplex: 1, ...more } });
    assert.equal((await this.raw.next()).method, "$/hello");
    return this;
  }

  /** Returns the id of the subscription. */
  async subscribe(method: string, params: readonly unknown[] = []): Promise<string> {
    const id = ++this.#lastId;
    this.raw.send({ jsonrpc: "2.0", id, method, params });
    const answer = await this.raw.next();
    assert.equal(answer.id, id, JSON.stringify(answer));
    return answer.result as string;
  }

  notify(method: string, params: object): void {
    this.raw.send({ jsonrpc: "2.0", method, params });
  }

  /** Returns the next item, without the id of its stream. */
  async item(): Promise<any> {
    const { params } = await this.raw.next();
    delete params.subscription;
    return params;
  }
}
