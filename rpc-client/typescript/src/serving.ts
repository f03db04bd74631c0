/** Requests and notifications of the other end, while they are served. */

import { now } from "./alarm.js";
import { Context } from "./context.js";
import { isCount, type Core, type Message } from "./core.js";
import { CallError, closedError, RpcError, type Closed } from "./errors.js";
import type { Handler } from "./handlers.js";
import { member, parts } from "./raw.js";

/** How long the handler of a notification may hold up those behind it. */
const NOTIFICATION_TIME = 30_000;

/** The longest id, as JSON text. */
const ID_LENGTH = 128;

/** Takes an answer, and what is to happen behind it. @internal */
export type Reply = (answer: string, after?: () => void) => void;

/** A request or a notification that is being served. */
interface Served {
  readonly context: Context;
  readonly handler: Handler;
  readonly params: unknown;
  readonly reply: Reply;
  /** When it is stopped. */
  due: number;
}

/** @internal */
export class Serving {
  readonly #core: Core;
  /** Requests by their ids as JSON text. */
  readonly #requests = new Map<string, Served>();
  /** Handlers that run: one that was cancelled keeps its place until it has ended. */
  #running = 0;
  /** The first one is being served. */
  #notifications: Served[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  /** Sends an answer by itself. */
  readonly reply: Reply = (answer, after) => {
    this.#core.outbox.send({ size: answer.length, leave: () => answer }, true);
    after?.();
  };

  request(message: Message, text: string, reply = this.reply): void {
    const core = this.#core;
    const said = parts(text);
    const byName = new Map(said);
    const { method, params, timeoutMs = Infinity } = message;
    const handler = core.handlers.get(method as string);
    let id = byName.get("id")!;
    const refuse = (code: number, why: string, kind?: string): void => reply(errorText(id, code, why, kind));
    const isGood =
      byName.size === said.length &&
      core.isVersion(message) &&
      !("result" in message || "error" in message) &&
      typeof (params ?? {}) === "object" &&
      (timeoutMs === Infinity || timeoutMs === 0 || isCount(timeoutMs));
    const isId = id.length <= ID_LENGTH && /^[-"\dn]/.test(id);
    if (!isGood || !isId || this.#requests.has(id)) {
      if (isGood || !isId) id = "null";
      refuse(-32600, isGood ? "the id is in use, or none" : "no request of JSON-RPC 2.0");
    } else if (method === "$/ping") reply(resultText(id, "null"));
    else if (!handler) refuse(-32601, `no method \`${method as string}\``);
    else if (this.#running >= core.limits.serving) refuse(-32009, "busy: not executed", "busy");
    else if (!timeoutMs) refuse(-32012, "out of time", "deadline");
    else {
      const due = now() + Math.min(timeoutMs as number, 86_400_000);
      const context = new Context(core.peer, method as string, text, id, timeoutMs === Infinity ? Infinity : due);
      this.#serve({ context, handler, params, reply, due: context.deadline });
    }
  }

  #serve(request: Served): void {
    const { context, handler, reply } = request;
    const core = this.#core;
    const id = context.id!;
    this.#requests.set(id, request);
    core.alarm.set(request.due);
    this.#running++;
    run(request, (error, result) => {
      this.#running--;
      if (this.#requests.get(id) !== request) return; // nobody waits for the answer
      this.#requests.delete(id);
      let answer;
      try {
        if (error) throw error.cause;
        const stringify = ("stringify" in handler && handler.stringify) || core.json.stringify;
        answer = resultText(id, stringify(result) ?? "null");
        if (answer.length > core.limits.messageOut) answer = errorText(id, -32008, "too long", "answer_too_big");
      } catch (why) {
        answer =
          why instanceof RpcError
            ? errorText(id, why.code, why.message, undefined, why.data)
            : errorText(id, -32603, this.#report(why, context));
      }
      reply(answer, context.afterAnswer);
    });
  }

  /** Tells the program what a handler threw, and returns what the other end is told. */
  #report(error: unknown, { method }: Context): string {
    (this.#core.options.onError ?? console.error)(error, method);
    return "internal error";
  }

  notification(method: string, params: unknown, text: string): void {
    const core = this.#core;
    const handler = core.handlers.get(method);
    if (!handler) return;
    const context = new Context(core.peer, method, text);
    const count = this.#notifications.push({ context, handler, params, reply: this.reply, due: Infinity });
    if (count > core.limits.serving) core.close(1008, "too many notifications wait");
    else if (count === 1) this.#notify();
  }

  /** Runs the handlers of notifications one after the other. */
  #notify(): void {
    const first = this.#notifications[0];
    if (!first) return;
    this.#core.alarm.set((first.due = now() + NOTIFICATION_TIME));
    run(first, (error) => {
      if (error) this.#report(error.cause, first.context);
      this.#notified(first);
    });
  }

  #notified(first: Served): void {
    if (this.#notifications[0] !== first) return;
    this.#notifications.shift();
    this.#notify();
  }

  /** Cancels the request that a `$/cancelRequest` names. */
  cancel(text: string): void {
    this.#stop(member(text, "params", "id"), -32800, "cancelled", "cancelled");
  }

  #stop(id: string | undefined, code: number, kind: string, failure: "cancelled" | "timeout"): void {
    const request = this.#requests.get(id!);
    if (!request) return;
    this.#requests.delete(id!);
    request.context.abort(new CallError(failure, "MaybeExecuted", kind));
    request.reply(errorText(id!, code, kind, kind));
  }

  /** Stops what is out of time. Returns when the next one is. */
  expire(time: number): number {
    let next = Infinity;
    for (const request of [...this.#requests.values(), ...this.#notifications.slice(0, 1)]) {
      const { context, due } = request;
      if (due > time) next = Math.min(next, due);
      else if (context.id) this.#stop(context.id, -32012, "deadline", "timeout");
      else {
        context.abort(new CallError("timeout", "MaybeExecuted", "out of time"));
        this.#notified(request);
      }
    }
    return next;
  }

  /** Stops all handlers, whose answers nobody waits for. */
  stop(closed: Closed): void {
    for (const { context } of [...this.#requests.values(), ...this.#notifications]) {
      context.abort(closedError(closed, "MaybeExecuted"));
    }
    this.#requests.clear();
    this.#notifications = [];
  }
}

/** Runs a handler, and tells what it returned or threw: at once, if it waits for nothing. */
function run({ handler, params, context }: Served, ended: (thrown?: { cause: unknown }, result?: unknown) => void): void {
  const returned = (result: unknown): void => ended(undefined, result);
  const failed = (cause: unknown): void => ended({ cause });
  let result: unknown;
  try {
    result =
      typeof handler === "function"
        ? handler(...((Array.isArray(params) ? params : params ? [params] : []) as never[]))
        : handler.serve(params ?? undefined, context);
  } catch (error) {
    return failed(error);
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return returned(result);
  (result as PromiseLike<unknown>).then(returned, failed);
}

function resultText(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** Returns the text of an answer that is an error. @internal */
export function errorText(id: string, code: number, message: string, kind?: string, data: unknown = kind && { kind }): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}
