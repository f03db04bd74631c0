/** Requests and notifications of the other end, while they are served. */

import { Context } from "./context.js";
import { isCount, type Core, type Message } from "./core.js";
import { CallError, closedError, RpcError, type CallFailure, type Closed } from "./errors.js";
import type { Handler, Method } from "./handlers.js";
import type { Json } from "./json.js";
import { member, parts } from "./raw.js";
import { arm, disarm, now, type Alarm } from "./timer.js";

/** How long the handler of a notification may hold up those behind it. */
const NOTIFICATION_TIME = 30_000;

/** The longest id, as JSON text. */
const ID_LENGTH = 128;

/** The longest time that a caller can give. */
const DAY = 86_400_000;

/** Takes an answer, and what is to happen behind it. @internal */
export type Reply = (answer: string, after?: () => void) => void;

/** Told once how a handler ended: what it threw, or else what it returned. */
type Ended = (thrown: { cause: unknown } | undefined, result?: unknown) => void;

/** A request or a notification that is being served, or waits. */
interface Served extends Alarm {
  readonly _context: Context;
  readonly _handler: Handler;
  readonly _params: unknown;
}

/** @internal */
export class Serving {
  readonly #core: Core;
  /** Requests by their ids as JSON text. */
  readonly #requests = new Map<string, Served & { _reply: Reply }>();
  /** Handlers that run: one that was cancelled keeps its place until it has ended. */
  #running = 0;
  /** Notifications, whose handlers run one after the other; that of the first one runs. */
  readonly #notifications: Served[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  /** Sends an answer by itself. */
  readonly _reply: Reply = (answer, after) => {
    this.#core._outbox._send(answer, true);
    after?.();
  };

  _request(message: Message, text: string, _reply = this._reply): void {
    const core = this.#core;
    const said = parts(text);
    const { method, params, timeoutMs = Infinity } = message;
    const _handler = core._handlers.get(method as string);
    let id = said.find(([name]) => name === "id")![1];
    const refuse = (code: number, why: string, kind?: string): void => _reply(errorText(id, code, why, kind));
    const isGood =
      said.length === Object.keys(message).length && // no member is given twice
      core._isVersion(message) &&
      !("result" in message || "error" in message) &&
      typeof (params ?? {}) === "object" &&
      (timeoutMs === Infinity || timeoutMs === 0 || isCount(timeoutMs));
    const isId = id.length <= ID_LENGTH && /^[-"\dn]/.test(id);
    if (!isGood || !isId || this.#requests.has(id)) {
      if (isGood || !isId) id = "null";
      refuse(-32600, isGood ? "invalid id" : "invalid request");
    } else if (method === "$/ping") _reply(resultText(id, "null"));
    else if (!_handler) refuse(-32601, `no method \`${method as string}\``);
    else if (this.#running >= core._limits.serving) refuse(-32009, "busy", "busy");
    else if (!timeoutMs) refuse(-32012, "deadline", "deadline");
    else {
      const _due = timeoutMs === Infinity ? Infinity : now() + Math.min(timeoutMs as number, DAY);
      const _context = new Context(core._peer, method as string, text, id, _due);
      const _ring = (): void => this.#stop(id, -32012, "deadline", "timeout");
      const request = { _due, _ring, _context, _handler, _params: params, _reply };
      this.#requests.set(id, request);
      this.#running++;
      run(request, (thrown, result) => {
        this.#running--;
        if (this.#requests.get(id) !== request) return; // nobody waits for the answer
        this.#forget(id, request);
        let answer;
        try {
          if (thrown) throw thrown.cause;
          const json = (_handler as Partial<Method>).stringify ? (_handler as Pick<Json, "stringify">) : core._json;
          answer = resultText(id, json.stringify(result) ?? "null");
          if (answer.length > core._limits.messageOut) answer = errorText(id, -32008, "too long", "answer_too_big");
        } catch (why) {
          answer =
            why instanceof RpcError
              ? errorText(id, why.code, why.message, undefined, why.data)
              : errorText(id, -32603, this.#report(why, _context));
        }
        _reply(answer, _context._afterAnswer);
      });
      if (this.#requests.get(id) === request) arm(request); // it goes on
    }
  }

  #forget(id: string, request: Served): void {
    this.#requests.delete(id);
    disarm(request);
  }

  /** Tells the program what a handler threw, and returns what the other end is told. */
  #report(error: unknown, { method }: Context): string {
    (this.#core._options.onError ?? console.error)(error, method);
    return "internal error";
  }

  _notification(method: string, _params: unknown, text: string): void {
    const core = this.#core;
    const _handler = core._handlers.get(method);
    if (!_handler) return;
    const _context = new Context(core._peer, method, text);
    const _ring = (): void => {
      _context._abort(new CallError("timeout", "MaybeExecuted"));
      this.#next(notification);
    };
    const notification = { _due: 0, _ring, _context, _handler, _params };
    const length = this.#notifications.push(notification);
    if (length > core._limits.serving) core._close(1008, "notifications");
    else if (length === 1) this.#notify();
  }

  /** Runs the handler of the first notification. */
  #notify(): void {
    const [first] = this.#notifications;
    if (!first) return;
    run(first, (thrown) => {
      if (thrown) this.#report(thrown.cause, first._context);
      this.#next(first);
    });
    if (this.#notifications[0] !== first) return;
    first._due = now() + NOTIFICATION_TIME;
    arm(first);
  }

  /** The first notification is over, if this is still the first one. */
  #next(notification: Served): void {
    disarm(notification);
    if (this.#notifications[0] !== notification) return;
    this.#notifications.shift();
    this.#notify();
  }

  /** Cancels the request that a `$/cancelRequest` names. */
  _cancel(text: string): void {
    this.#stop(member(text, "params", "id"), -32800, "cancelled", "cancelled");
  }

  #stop(id: string | undefined, code: number, kind: string, failure: CallFailure): void {
    const request = this.#requests.get(id!);
    if (!request) return;
    this.#forget(id!, request);
    request._context._abort(new CallError(failure, "MaybeExecuted"));
    request._reply(errorText(id!, code, kind, kind));
  }

  /** Stops all handlers, whose answers nobody waits for. */
  _stop(closed: Closed): void {
    const stopped: Served[] = [...this.#requests.values(), ...this.#notifications.splice(0)];
    this.#requests.clear();
    for (const served of stopped) {
      disarm(served);
      served._context._abort(closedError(closed, "MaybeExecuted"));
    }
  }
}

/** Runs a handler, and tells how it ended: at once, if it waits for nothing. */
function run({ _handler: handler, _params: params, _context: context }: Served, ended: Ended): void {
  let result: unknown;
  try {
    result =
      typeof handler === "function"
        ? handler(...((Array.isArray(params) ? params : params ? [params] : []) as never[]))
        : handler.serve(params ?? undefined, context);
  } catch (cause) {
    return ended({ cause });
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return ended(undefined, result);
  (result as PromiseLike<unknown>).then(
    (result) => ended(undefined, result),
    (cause: unknown) => ended({ cause }),
  );
}

function resultText(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** Returns the text of an answer that is an error. @internal */
export function errorText(
  id: string,
  code: number,
  message: string,
  kind?: string,
  data: unknown = kind && { kind },
): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}
