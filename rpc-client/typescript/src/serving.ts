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

/** What an id looks like as JSON text, of which it may have 128 characters. */
const ID = /^[-"\dn].{0,127}$/;

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

/** What a peer serves. @internal */
export interface Serving {
  /** Sends an answer by itself. */
  readonly _reply: Reply;
  _request(message: Message, text: string, reply?: Reply): void;
  _notification(method: string, params: unknown, text: string): void;
  /** Cancels the request that a `$/cancelRequest` names. */
  _cancel(text: string): void;
  /** Stops all handlers, whose answers nobody waits for. */
  _stop(closed: Closed): void;
}

/** @internal */
export function serving(core: Core): Serving {
  /** Requests by their ids as JSON text. */
  const requests = new Map<string, Served & { readonly _reply: Reply }>();
  /** Handlers that run: one that was cancelled keeps its place until it has ended. */
  let running = 0;
  /** Notifications, whose handlers run one after the other; that of the first one runs. */
  const notifications: Served[] = [];

  const reply: Reply = (answer, after) => {
    core._outbox._send(answer, true);
    after?.();
  };

  const forget = (id: string, request: Served): void => {
    requests.delete(id);
    disarm(request);
  };

  const stop = (id: string | undefined, code: number, kind: string, failure: CallFailure): void => {
    const request = requests.get(id!);
    if (!request) return;
    forget(id!, request);
    request._context._abort(new CallError(failure, "MaybeExecuted"));
    request._reply(kindText(id!, code, kind));
  };

  /** Runs the handler of the first notification. */
  const notify = (): void => {
    const [first] = notifications;
    if (!first) return;
    run(first, (thrown) => {
      if (thrown) complain(core, thrown.cause, first._context.method);
      next(first);
    });
    if (notifications[0] !== first) return;
    first._due = now() + NOTIFICATION_TIME;
    arm(first);
  };

  /** A notification is over, if it is still the first one. */
  const next = (notification: Served): void => {
    disarm(notification);
    if (notifications[0] !== notification) return;
    notifications.shift();
    notify();
  };

  return {
    _reply: reply,
    _request(message, text, _reply = reply) {
      const said = parts(text);
      const { method, params, timeoutMs = Infinity } = message as { [name: string]: unknown; method: string };
      const _handler = core._handlers.get(method);
      let id = said.find(([name]) => name === "id")![1];
      const isGood =
        said.length === Object.keys(message).length && // no member is given twice
        core._isVersion(message) &&
        !("result" in message || "error" in message) &&
        typeof (params ?? {}) === "object" &&
        (timeoutMs === Infinity || timeoutMs === 0 || isCount(timeoutMs));
      const isId = ID.test(id);
      if (!isGood || !isId || requests.has(id)) {
        if (isGood || !isId) id = "null";
        _reply(errorText(id, -32600, isGood ? "invalid id" : "invalid request"));
      } else if (method === "$/ping") _reply(resultText(id, "null"));
      else if (!_handler) _reply(errorText(id, -32601, `no method \`${method}\``));
      else if (running >= core._limits.serving) _reply(kindText(id, -32009, "busy"));
      else if (!timeoutMs) _reply(kindText(id, -32012, "deadline"));
      else {
        const _due = timeoutMs === Infinity ? Infinity : now() + Math.min(timeoutMs as number, DAY);
        const _context = new Context(core._peer, method, text, id, _due);
        const _ring = (): void => stop(id, -32012, "deadline", "timeout");
        const request = { _due, _ring, _context, _handler, _params: params, _reply };
        requests.set(id, request);
        running++;
        run(request, (thrown, result) => {
          running--;
          if (requests.get(id) !== request) return; // nobody waits for the answer
          forget(id, request);
          let answer;
          try {
            if (thrown) throw thrown.cause;
            const json = (_handler as Partial<Method>).stringify ? (_handler as Pick<Json, "stringify">) : core._json;
            answer = resultText(id, json.stringify(result) ?? "null");
            if (answer.length > core._limits.messageOut) answer = kindText(id, -32008, "answer_too_big");
          } catch (why) {
            const { code, message, data } = told(core, why, method);
            answer = errorText(id, code, message, data);
          }
          _reply(answer, _context._afterAnswer);
        });
        if (requests.get(id) === request) arm(request); // it goes on
      }
    },
    _notification(method, _params, text) {
      const _handler = core._handlers.get(method);
      if (!_handler) return;
      const _context = new Context(core._peer, method, text);
      const _ring = (): void => {
        _context._abort(new CallError("timeout", "MaybeExecuted"));
        next(notification);
      };
      const notification = { _due: 0, _ring, _context, _handler, _params };
      const length = notifications.push(notification);
      if (length > core._limits.serving) core._close(1008, "notifications");
      else if (length === 1) notify();
    },
    _cancel: (text) => stop(member(text, "params", "id"), -32800, "cancelled", "cancelled"),
    _stop(closed) {
      const stopped: Served[] = [...requests.values(), ...notifications.splice(0)];
      requests.clear();
      for (const served of stopped) {
        disarm(served);
        served._context._abort(closedError(closed, "MaybeExecuted"));
      }
    },
  };
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

/** Tells the program what its own code threw. */
function complain(core: Core, error: unknown, method: string): void {
  (core._options.onError ?? console.error)(error, method);
}

/** Returns what the other end is told of what the program threw; all else is told to the program alone. @internal */
export function told(core: Core, error: unknown, method: string): RpcError {
  if (error instanceof RpcError) return error;
  complain(core, error, method);
  return new RpcError(-32603, "internal error");
}

function resultText(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** Returns the text of an answer that is an error of the protocol, of this kind. @internal */
export function kindText(id: string, code: number, kind: string): string {
  return errorText(id, code, kind, { kind });
}

/** Returns the text of an answer that is an error. @internal */
export function errorText(id: string, code: number, message: string, data?: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}
