/** A client that outlives its links: it connects again, and goes on with its session where the server keeps one. */

import { Core } from "../core.js";
import type { Dial } from "../link.js";
import { Peer } from "../peer.js";
import { webSocket, type Provided } from "../websocket.js";
import type { State } from "./state.js";
import { supervise, type ClientOptions, type Supervisor } from "./supervisor.js";

/** Connects to a URL, and stays connected. Calls made meanwhile wait. */
export function keepConnected(url: Provided<string | URL>, options: ClientOptions = {}): Client {
  return new Client(webSocket(url, options), options);
}

/** A peer that outlives its links. */
export class Client extends Peer {
  readonly #supervisor: Supervisor;

  /** Connects by links of any kind. */
  constructor(dial: Dial, options: ClientOptions = {}) {
    const core = new Core(options);
    super(core);
    this.#supervisor = supervise(core, dial, options);
    core._install(this);
  }

  get state(): State {
    return this.#supervisor._state();
  }

  /** Resolves when the client is up; rejects if it ends before. */
  up(): Promise<void> {
    return this.#supervisor._up();
  }

  /** Makes the next attempt now. A client that is up makes another link, over which its session goes on. */
  reconnectNow(): void {
    this.#supervisor._reconnectNow();
  }

  /** Ends the session and begins another one over another link: for another user. Resolves when it has begun. */
  newSession(): Promise<void> {
    return this.#supervisor._newSession();
  }

  /** Gives up the link without ending the session, and connects again only when {@link Client.reconnectNow} says so. */
  pause(): void {
    this.#supervisor._pause();
  }
}
