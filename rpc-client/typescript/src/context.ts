/** What a handler knows of its call. */

import type { Peer } from "./peer.js";
import type { Reply } from "./serving.js";

/** The call that a handler serves. */
export class Context {
  /** Who is calling, on the same connection. */
  readonly peer: Peer;
  readonly method: string;
  /** When the time of the caller runs out, by `performance.now()`; `Infinity` if the caller has not said. */
  readonly deadline: number;
  /** The id of the request as JSON text; a notification has none. */
  readonly id: string | undefined;
  /** The request as it came. @internal */
  readonly _text: string;
  /** Runs behind the answer. @internal */
  _afterAnswer: (() => void) | undefined;
  /** Why nobody waits for the result any more. @internal */
  _aborted: Error | undefined;
  /** Takes the answer to the request. @internal */
  _reply: Reply | undefined;
  /** When its time is over; of a notification, that of its handler. @internal */
  _due: number;
  /** @internal */
  _ring!: () => void;
  #aborts: AbortController | undefined;

  /** @internal */
  constructor(peer: Peer, method: string, text: string, id?: string, deadline = Infinity) {
    this.peer = peer;
    this.method = method;
    this._text = text;
    this.id = id;
    this.deadline = this._due = deadline;
  }

  /** Aborted when nobody waits for the result any more: cancelled, out of time, or the session has ended. */
  get signal(): AbortSignal {
    this.#aborts ??= new AbortController();
    if (this._aborted) this.#aborts.abort(this._aborted);
    return this.#aborts.signal;
  }

  /** @internal */
  _abort(reason: Error): void {
    this._aborted = reason;
    this.#aborts?.abort(reason);
  }
}
