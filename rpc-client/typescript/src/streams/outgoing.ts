/** Streams that this end sends: subscriptions of the other end, and arguments of calls. */

import { now } from "../timer.js";
import { ATTACH, type Call } from "../call.js";
import { isCount, type Core, type Message } from "../core.js";
import { RpcError } from "../errors.js";
import type { Context } from "../context.js";
import type { Handlers, Method } from "../handlers.js";
import { method, type MethodOptions, type Param, type Run } from "../method.js";
import { member, utf8Length } from "../raw.js";
import { slot } from "../slot.js";
import { LEAST_ITEM, randomId, WINDOW } from "./id.js";
import { unsubscribeName } from "./subscribe.js";

/** How many streams the other end may have subscribed to. */
const SUBSCRIPTIONS = 256;

/** The most credit. */
const MOST_CREDIT = 2 ** 31;

/** How long a call waits to learn whether the other end knows of streams. */
const HELLO_TIME = 5_000;

/** A source of items. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

/** A stream on its way. */
class Outgoing {
  readonly id = randomId();
  readonly #core: Core;
  readonly #method: string;
  readonly #items: AsyncIterator<unknown>;
  /** Credit; nothing bounds the items to a plain peer but the room of the link. */
  #credit = Infinity;
  #seq = 0;
  #isOver = false;
  #wake: (() => void) | undefined;
  /** The id of the request that it answers, as JSON text. */
  readonly request: string | undefined;
  onItem: (() => void) | undefined;

  constructor(core: Core, method: string, source: Source<unknown>, request?: string) {
    this.#core = core;
    this.#method = method;
    this.request = request;
    this.#items = iterate(source);
    slot(core, outgoing).set(this.id, this);
    this.begin();
  }

  /** Takes the credit with which streams begin, as far as that is known. */
  begin(): void {
    const { greeting } = this.#core;
    this.#credit = greeting ? (greeting.window ?? WINDOW) : Infinity;
  }

  async run(): Promise<void> {
    const isCounted = this.#credit !== Infinity;
    try {
      for (let item; !(item = await this.#items.next()).done; ) {
        const text = this.#core.json.stringify(item.value) ?? "null";
        if (text.length > this.#core.limits.messageOut) throw new RpcError(-32008, "an item is too long");
        await this.#room();
        if (this.#isOver) return;
        this.#send(`"result":${text}`, isCounted);
        this.#credit -= Math.max(utf8Length(text), LEAST_ITEM);
        this.onItem?.();
      }
      if (isCounted && !this.#isOver) this.#send('"done":true', true);
    } catch (error) {
      if (this.#isOver) return;
      const isTold = error instanceof RpcError;
      if (!isTold) (this.#core.options.onError ?? console.error)(error, this.#method);
      const { code, message, data } = isTold ? error : new RpcError(-32603, "internal error");
      this.#send(`"error":${JSON.stringify({ code, message, data })}`, isCounted);
    } finally {
      this.stop();
    }
  }

  #send(said: string, isCounted: boolean): void {
    const seq = isCounted ? `"seq":${++this.#seq},` : "";
    const params = `{"subscription":"${this.id}",${seq}${said}}`;
    const text = `{"jsonrpc":"2.0","method":${JSON.stringify(this.#method)},"params":${params}}`;
    this.#core.outbox.send({ size: text.length, leave: () => text }, true);
  }

  /** Waits for credit, and for room. */
  async #room(): Promise<void> {
    while (!this.#isOver && (this.#credit <= 0 || !this.#core.outbox.isOpen())) {
      if (this.#credit > 0) await this.#core.outbox.room();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  grant(bytes: unknown): void {
    if (!isCount(bytes, MOST_CREDIT) || this.#credit + bytes > MOST_CREDIT) return;
    this.#credit += bytes;
    this.#wake?.();
  }

  /** Ends the stream; nothing more is sent. Returns whether it had not ended. */
  stop(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    slot(this.#core, outgoing).delete(this.id);
    this.#wake?.();
    // The source may be in the middle of an item, and hears of it behind that.
    Promise.resolve(this.#items.return?.()).catch(() => {});
    return true;
  }
}

/** The streams that this end sends, by their ids. */
function outgoing(core: Core): Map<string, Outgoing> {
  const streams = new Map<string, Outgoing>();
  core.extensions.set("$/credit", ({ subscription, bytes }: Message) =>
    streams.get(subscription as string)?.grant(bytes),
  );
  core.extensions.set("$/stop", ({ subscription }: Message) => void streams.get(subscription as string)?.stop());
  core.extensions.set("$/cancelRequest", (_: Message, text) => {
    const id = member(text, "params", "id");
    for (const stream of [...streams.values()]) if (stream.request === id) stream.stop();
  });
  core.onEnd.push(() => {
    for (const stream of [...streams.values()]) stream.stop();
  });
  return streams;
}

function iterate(source: Source<unknown>): AsyncIterator<unknown> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  const items = source[Symbol.iterator]();
  return {
    next: async () => items.next(),
    return: async () => items.return?.() ?? { done: true, value: undefined },
  };
}

export interface StreamMethodOptions extends MethodOptions {
  /** The method that ends the subscription. By default `unsubscribe_` stands before the last part of the name. */
  readonly unsubscribe?: string;
}

/** Declares a method that the other end subscribes to: `run` returns the items. */
export function stream(
  params: readonly Param[],
  run: Run<Source<unknown> | Promise<Source<unknown>>>,
  options: StreamMethodOptions = {},
): Method {
  const { serve } = method(params, run, options);
  return {
    async serve(given, context) {
      const { core } = context.peer;
      if (slot(core, outgoing).size >= SUBSCRIPTIONS) {
        throw new RpcError(-32006, "too many subscriptions", { kind: "too_many_subscriptions" });
      }
      const items = (await serve(given, context)) as Source<unknown>;
      const stream = new Outgoing(core, context.method, items, context.id);
      context.afterAnswer = () => void stream.run();
      context.signal.addEventListener("abort", () => stream.stop());
      return stream.id;
    },
    companions: (name): Handlers => ({
      [options.unsubscribe ?? unsubscribeName(name)]: method(
        ["subscription"],
        (id: string, { peer }: Context) => slot(peer.core, outgoing).get(id)?.stop() ?? false,
      ),
    }),
  };
}

/** A stream among the params of a call. */
export interface StreamArgument {
  toJSON(): { $stream: string };
}

/**
 * Makes a param of a call of items, which are sent while the call runs. It waits for credit of the other end, so a
 * source may have any number of items.
 *
 * ```ts
 * const total = await peer.call<number>("sum", [sendStream([1, 2, 3])]);
 * ```
 */
export function sendStream(source: Source<unknown>): StreamArgument {
  let stream: Outgoing | undefined;
  const attach = (call: Call, core: Core): void => {
    if (stream) throw new TypeError("a stream goes with one call");
    const started: Outgoing = (stream = new Outgoing(core, "$/item", source));
    const before = call.stream;
    const hold = call.hold;
    call.stream = {
      sent() {
        before?.sent();
        // Behind the message of the call.
        queueMicrotask(() => void started.run());
      },
      end() {
        before?.end();
        started.stop();
      },
    };
    // Each item shows that the call goes on.
    started.onItem = () => call.extend();
    call.hold = hold ?? ((go) => untilKnown(core, call, go, started));
  };
  return Object.defineProperty({ toJSON: () => ({ $stream: stream!.id }) }, ATTACH, { value: attach });
}

/** Lets a call go when the other end has said that it knows of streams. */
function untilKnown(core: Core, call: Call, go: () => void, stream: Outgoing): void {
  const due = now() + HELLO_TIME;
  const received = core.received;
  const look = (): void => {
    if (core.greeting) {
      stream.begin();
      return go();
    }
    const message = "the other end has not said `$/hello`, so it takes no stream: a proxy or `hello` may be why";
    if (core.received > received || now() >= due) return call.fail("unsendable", undefined, message);
    if (!call.isDone) setTimeout(look, 10);
  };
  look();
}
