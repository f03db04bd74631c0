/** Requests and notifications of the other end, while they are served. */

import { Context } from "./context.js";
import { isCount, type Core, type Message } from "./core.js";
import { CallError, closedError, RpcError, type Closed } from "./errors.js";
import type { Handler } from "./handlers.js";
import { member, parts } from "./raw.js";
import { now, timer } from "./timer.js";

/** How long the handler of a notification may hold up those behind it. */
const NOTIFICATION_TIME = 30_000;

/** The longest id, as JSON text. */
const ID_LENGTH = 128;

/** The longest time that a caller can give. */
const DAY = 86_400_000;

/** Takes an answer, and what is to happen behind it. @internal */
export type Reply = (answer: string, after?: () => void) => void;

/** A handler's end: what it threw, or else what it returned. */
type Ended = (thrown: { cause: unknown } | undefined, result?: unknown) => void;

/** A request that is being served. */
interface Request {
  readonly context: Context;
  readonly reply: Reply;
  readonly stopTimer: () => void;
}

/** A notification that waits for the handlers of those before, or is being served. */
interface Notification {
  readonly context: Context;
  run(): void;
  stopTimer(): void;
}

/** @internal */
export class Serving {
  readonly #core: Core;
  /** Requests by their ids as JSON text. */
  readonly #requests = new Map<string, Request>();
  /** Handlers that run: one that was cancelled keeps its place until it has ended. */
  #running = 0;
  /** What runs the handlers of notifications, one after the other; the first one runs. */
  readonly #notifications: Notification[] = [];

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
    const { params, timeoutMs = Infinity } = message;
    const method = message["method"] as string;
    const handler = core.handlers.get(method);
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
      refuse(-32600, isGood ? "invalid id" : "invalid request");
    } else if (method === "$/ping") reply(resultText(id, "null"));
    else if (!handler) refuse(-32601, `no method \`${method}\``);
    else if (this.#running >= core.limits.serving) refuse(-32009, "busy", "busy");
    else if (!timeoutMs) refuse(-32012, "deadline", "deadline");
    else {
      const time = timeoutMs === Infinity ? Infinity : Math.min(timeoutMs as number, DAY);
      const context = new Context(core.peer, method, text, id, now() + time);
      const stopTimer = timer(time, () => this.#stop(id, -32012, "deadline", "timeout"));
      this.#serve({ context, reply, stopTimer }, handler, params);
    }
  }

  #serve(request: Request, handler: Handler, params: unknown): void {
    const { context, reply } = request;
    const core = this.#core;
    const id = context.id!;
    this.#requests.set(id, request);
    this.#running++;
    run(handler, params, context, (thrown, result) => {
      this.#running--;
      if (this.#requests.get(id) !== request) return; // nobody waits for the answer
      this.#forget(id, request);
      let answer;
      try {
        if (thrown) throw thrown.cause;
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

  #forget(id: string, { stopTimer }: Request): void {
    this.#requests.delete(id);
    stopTimer();
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
    const waiting = this.#notifications;
    const ended = (): void => {
      notification.stopTimer();
      if (waiting[0] !== notification) return;
      waiting.shift();
      waiting[0]?.run();
    };
    const notification: Notification = {
      context,
      stopTimer: () => {},
      run: () => {
        notification.stopTimer = timer(NOTIFICATION_TIME, () => {
          context.abort(new CallError("timeout", "MaybeExecuted"));
          ended();
        });
        run(handler, params, context, (thrown) => {
          if (thrown) this.#report(thrown.cause, context);
          ended();
        });
      },
    };
    if (waiting.push(notification) > core.limits.serving) core.close(1008, "notifications");
    else if (waiting.length === 1) notification.run();
  }

  /** Cancels the request that a `$/cancelRequest` names. */
  cancel(text: string): void {
    this.#stop(member(text, "params", "id"), -32800, "cancelled", "cancelled");
  }

  #stop(id: string | undefined, code: number, kind: string, failure: "cancelled" | "timeout"): void {
    const request = this.#requests.get(id!);
    if (!request) return;
    this.#forget(id!, request);
    request.context.abort(new CallError(failure, "MaybeExecuted"));
    request.reply(errorText(id!, code, kind, kind));
  }

  /** Stops all handlers, whose answers nobody waits for. */
  stop(closed: Closed): void {
    const error = closedError(closed, "MaybeExecuted");
    for (const [id, request] of [...this.#requests]) {
      this.#forget(id, request);
      request.context.abort(error);
    }
    for (const { context, stopTimer } of this.#notifications.splice(0)) {
      stopTimer();
      context.abort(error);
    }
  }
}

/** Runs a handler, and tells how it ended: at once, if it waits for nothing. */
function run(handler: Handler, params: unknown, context: Context, ended: Ended): void {
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
export function errorText(
  id: string,
  code: number,
  message: string,
  kind?: string,
  data: unknown = kind && { kind },
): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}
