/** Requests and notifications of the other end, while they are served. */

import { Context } from "./context.js";
import { around, isCount, messageOf, type Core, type Message, type Text } from "./core.js";
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
  /** Requests without an answer, by their ids as JSON text; no `Map`, for the reason that `timer.ts` gives. */
  const requests: { [id: string]: Context } = Object.create(null);
  /** Handlers of requests that run: one that was stopped keeps its place until it has ended. */
  let running = 0;
  /** Notifications in their order; the handler of the first one runs. */
  const notifications: { readonly _context: Context; readonly _start: () => void }[] = [];

  const reply: Reply = (answer, after) => {
    core._outbox._send(messageOf(answer), true);
    after?.();
  };

  const contextOf = (method: string, text: string, reply: Reply, id?: string, deadline?: number): Context => {
    const context = new Context(core._peer, method, text, id, deadline);
    context._reply = reply;
    context._ring = () => stop(context, -32012, "deadline", "timeout");
    return context;
  };

  /** Nobody waits for the handler any more; a request has this answer. */
  const end = (context: Context, answer: Text): void => {
    const reply = context._reply;
    context._reply = undefined;
    disarm(context);
    reply?.(answer, context._afterAnswer);
  };

  const stop = (context: Context, code: number, kind: string, failure: CallFailure): void => {
    context._abort(new CallError(failure, "MaybeExecuted"));
    end(context, kindText(context.id!, code, kind));
  };

  return {
    _reply: reply,
    _request(message, text, _reply = reply) {
      const said = parts(text);
      const { method, params, timeoutMs = Infinity } = message as { [name: string]: unknown; method: string };
      const handler = core._handlers.get(method);
      const id = new Map(said).get("id")!;
      const refuse = (code: number, kind: string): void => _reply(kindText(id, code, kind));
      const isGood =
        said.length === Object.keys(message).length && // no member is given twice
        core._isVersion(message) &&
        !("result" in message || "error" in message) &&
        typeof (params ?? {}) === "object" &&
        (timeoutMs === Infinity || timeoutMs === 0 || isCount(timeoutMs));
      const isId = ID.test(id);
      if (!isGood && isId) _reply(errorText(id, -32600, "invalid request"));
      else if (!isId || requests[id]) _reply(errorText("null", -32600, "invalid id"));
      else if (method === "$/ping") _reply(answerText(id, "result", "null"));
      else if (!handler) _reply(errorText(id, -32601, `no method \`${method}\``));
      else if (running >= core._limits.serving) refuse(-32009, "busy");
      else if (!timeoutMs) refuse(-32012, "deadline");
      else {
        const due = timeoutMs === Infinity ? Infinity : now() + Math.min(timeoutMs as number, DAY);
        const answered: Reply = (answer, after) => {
          delete requests[id];
          _reply(answer, after);
        };
        const context = contextOf(method, text, answered, id, due);
        requests[id] = context;
        running++;
        run(handler, params, context, (value, isThrown) => {
          running--;
          if (!context._reply) return;
          let answer: Text | undefined;
          try {
            const json = (handler as Partial<Method>).stringify && (handler as unknown as Json);
            if (!isThrown) answer = answerText(id, "result", core._write(value, json));
          } catch (why) {
            value = why;
          }
          answer ??= answerText(id, "error", toldText(core, value, method));
          end(context, answer.length > core._limits.messageOut ? kindText(id, -32008, "answer_too_big") : answer);
        });
      }
    },
    _notification(method, params, text) {
      const handler = core._handlers.get(method);
      if (!handler) return;
      const _context = contextOf(method, text, () => {
        notifications.shift();
        notifications[0]?._start();
      });
      const _start = (): void => {
        _context._due = now() + NOTIFICATION_TIME;
        run(handler, params, _context, (value, isThrown) => {
          if (isThrown) complain(core, value, method);
          end(_context, "");
        });
      };
      const length = notifications.push({ _context, _start });
      if (length > core._limits.serving) core._close(1008, "notifications");
      else if (length === 1) _start();
    },
    _cancel(text) {
      const context = requests[member(text, "params", "id")!];
      if (context) stop(context, -32800, "cancelled", "cancelled");
    },
    _stop(closed) {
      for (const context of [...Object.values(requests), ...notifications.splice(0).map(({ _context }) => _context)]) {
        delete requests[context.id!];
        context._reply = undefined;
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
  if (context._reply) arm(context); // it goes on
}

/** Tells the program what its own code threw. */
function complain(core: Core, error: unknown, method: string): void {
  (core._options.onError ?? console.error)(error, method);
}

/**
 * Returns the error object, as JSON text, for what the program threw: an `RpcError` as it is; all else is told to the
 * program alone. @internal
 */
export function toldText(core: Core, error: unknown, method: string): string {
  try {
    if (error instanceof RpcError) return errorObject(error.code, error.message, error.data);
  } catch (why) {
    error = why; // its data is no JSON
  }
  complain(core, error, method);
  return errorObject(-32603, "internal error");
}

function errorObject(code: number, message: string, data?: unknown): string {
  return JSON.stringify({ code, message, data });
}

function answerText(id: string, member: "result" | "error", value: Text): Text {
  return around(`{"jsonrpc":"2.0","id":${id},"${member}":`, value, "}");
}

/** Returns the text of an answer that is an error. @internal */
export function errorText(id: string, code: number, message: string, data?: unknown): Text {
  return answerText(id, "error", errorObject(code, message, data));
}

/** Returns the text of an answer that is an error of the protocol, of this kind. @internal */
export function kindText(id: string, code: number, kind: string): Text {
  return errorText(id, code, kind, { kind });
}
