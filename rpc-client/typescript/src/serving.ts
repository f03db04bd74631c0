/** Requests and notifications of the other end, while they are served. */

import { Context } from "./context.js";
import { around, isCount, type Core, type Message, type Text } from "./core.js";
import { CallError, closedError, RpcError, type CallFailure, type Closed } from "./errors.js";
import type { Handler, Method } from "./handlers.js";
import type { Json } from "./json.js";
import { member, parts } from "./raw.js";
import { arm, disarm, now } from "./timer.js";

/** How long the handler of a notification may hold up those behind it. */
const NOTIFICATION_TIME = 30_000;

/** What an id looks like as JSON text, of which it may have 128 characters. */
const ID = /^[-"\dn].{0,127}$/;

/** The longest time that a caller can give. */
const DAY = 86_400_000;

/** Takes an answer, and what is to happen behind it. @internal */
export type Reply = (answer: Text, after?: () => void) => void;

/** Told once how a handler ended: what it returned, or what it threw. */
type Ended = (value: unknown, isThrown?: boolean) => void;

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
  const requests = new Map<string, Context>();
  /** Handlers that run: one that was cancelled keeps its place until it has ended. */
  let running = 0;
  /** What runs the handlers of notifications, one after the other; that of the first one runs. */
  const notifications: { readonly _context: Context; readonly _run: (ended: Ended) => void }[] = [];

  const reply: Reply = (answer, after) => {
    core._outbox._send(answer, true);
    after?.();
  };

  /** Returns the request, which is not served any more. */
  const taken = (id: string | undefined): Context | undefined => {
    const request = requests.get(id!);
    if (request) disarm(request);
    requests.delete(id!);
    return request;
  };

  const stop = (id: string | undefined, code: number, kind: string, failure: CallFailure): void => {
    const request = taken(id);
    request?._abort(new CallError(failure, "MaybeExecuted"));
    request?._reply!(kindText(id!, code, kind));
  };

  /** Runs the handler of the first notification. */
  const notify = (): void => {
    const [first] = notifications;
    if (!first) return;
    const { _context, _run } = first;
    const ended = (): void => {
      disarm(_context);
      if (notifications[0] !== first) return;
      notifications.shift();
      notify();
    };
    _run((value, isThrown) => {
      if (isThrown) complain(core, value, _context.method);
      ended();
    });
    if (notifications[0] !== first) return;
    _context._due = now() + NOTIFICATION_TIME;
    _context._ring = () => {
      _context._abort(new CallError("timeout", "MaybeExecuted"));
      ended();
    };
    arm(_context);
  };

  return {
    _reply: reply,
    _request(message, text, _reply = reply) {
      const said = parts(text);
      const { method, params, timeoutMs = Infinity } = message as { [name: string]: unknown; method: string };
      const handler = core._handlers.get(method);
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
      else if (!handler) _reply(errorText(id, -32601, `no method \`${method}\``));
      else if (running >= core._limits.serving) _reply(kindText(id, -32009, "busy"));
      else if (!timeoutMs) _reply(kindText(id, -32012, "deadline"));
      else {
        const due = timeoutMs === Infinity ? Infinity : now() + Math.min(timeoutMs as number, DAY);
        const context = new Context(core._peer, method, text, id, due);
        context._reply = _reply;
        context._ring = () => stop(id, -32012, "deadline", "timeout");
        requests.set(id, context);
        running++;
        run(handler, params, context, (value, isThrown) => {
          running--;
          if (requests.get(id) !== context) return; // nobody waits for the answer
          taken(id);
          let answer: Text;
          try {
            if (isThrown) throw value;
            const json = (handler as Partial<Method>).stringify && (handler as unknown as Json);
            answer = resultText(id, core._write(value, json));
            if (answer.length > core._limits.messageOut) answer = kindText(id, -32008, "answer_too_big");
          } catch (why) {
            const { code, message, data } = told(core, why, method);
            answer = errorText(id, code, message, data);
          }
          _reply(answer, context._afterAnswer);
        });
        if (requests.get(id) === context) arm(context); // it goes on
      }
    },
    _notification(method, params, text) {
      const handler = core._handlers.get(method);
      if (!handler) return;
      const _context = new Context(core._peer, method, text);
      const length = notifications.push({ _context, _run: (ended) => run(handler, params, _context, ended) });
      if (length > core._limits.serving) core._close(1008, "notifications");
      else if (length === 1) notify();
    },
    _cancel: (text) => stop(member(text, "params", "id"), -32800, "cancelled", "cancelled"),
    _stop(closed) {
      const stopped = [...requests.values(), ...notifications.splice(0).map(({ _context }) => _context)];
      requests.clear();
      for (const context of stopped) {
        disarm(context);
        context._abort(closedError(closed, "MaybeExecuted"));
      }
    },
  };
}

/** Runs a handler, and tells how it ended: at once, if it waits for nothing. */
function run(handler: Handler, params: unknown, context: Context, ended: Ended): void {
  let result: unknown;
  try {
    result =
      typeof handler === "function"
        ? handler(...((Array.isArray(params) ? params : params ? [params] : []) as never[]))
        : handler.serve(params ?? undefined, context);
  } catch (cause) {
    return ended(cause, true);
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return ended(result);
  (result as PromiseLike<unknown>).then(
    (result) => ended(result),
    (cause: unknown) => ended(cause, true),
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

function resultText(id: string, result: Text): Text {
  return around(`{"jsonrpc":"2.0","id":${id},"result":`, result, "}");
}

/** Returns the text of an answer that is an error of the protocol, of this kind. @internal */
export function kindText(id: string, code: number, kind: string): string {
  return errorText(id, code, kind, { kind });
}

/** Returns the text of an answer that is an error. @internal */
export function errorText(id: string, code: number, message: string, data?: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}
