/** The handle of a program on the other end. */

import { Call, type CallOptions, type Params } from "./call.js";
import { around, messageOf, type Core } from "./core.js";
import type { Closed } from "./errors.js";
import type { Json } from "./json.js";

/** The other end of a connection, which is called. What it may call of this end are the handlers. */
export class Peer {
  /** For features that are imported by themselves. @internal */
  readonly _core: Core;
  /** Whether this handle opens a session: what it sends goes before all else. @internal */
  readonly _isFirst: boolean;

  /** @internal */
  constructor(core: Core, isFirst = false) {
    this._core = core;
    this._isFirst = isFirst;
  }

  /**
   * Calls a method. Rejects with an {@link RpcError} if the other end answers with an error, and with a
   * {@link CallError} if there is no answer.
   */
  call<Result = unknown, Progress = unknown>(
    method: string,
    params?: Params,
    options: CallOptions<Progress> = {},
  ): Promise<Result> {
    return new Promise((resolve, reject) =>
      new Call(this, method, params, options as CallOptions, resolve as (result: unknown) => void, reject)._start(),
    );
  }

  /**
   * Sends a notification, whose params are written by `json`, if not as by the peer. Throws a {@link CallError} if the
   * connection has ended or too much waits already.
   */
  notify(method: string, params?: Params, json?: Json): void {
    const text = around('{"jsonrpc":"2.0",', this._core._encode(method, params, json), "}");
    const error = this._core._send(messageOf(text, this._isFirst));
    if (error) throw error;
  }

  /** Resolves when the connection has ended for ever. */
  get closed(): Promise<Closed> {
    return this._core._closed;
  }

  /** Ends the connection. Calls that have no answer yet reject. */
  close(code = 1000, reason = ""): void {
    this._core._close(code, reason);
  }
}
