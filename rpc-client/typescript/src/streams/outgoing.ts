/** Streams that this end sends: subscriptions of the other end, and arguments of calls. */

import { writing, type Call } from "../call.js";
import type { Context } from "../context.js";
import { isCount, type Core, type Message } from "../core.js";
import { RpcError } from "../errors.js";
import type { Handlers, Method } from "../handlers.js";
import { method, type MethodOptions, type Param, type Run } from "../method.js";
import { member, utf8Length } from "../raw.js";
import { slot } from "../slot.js";
import { now } from "../timer.js";
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
  readonly _id = randomId();
  /** The id of the request that it answers, as JSON text. */
  readonly _request: string | undefined;
  _onItem: (() => void) | undefined;
  readonly #core: Core;
  readonly #method: string;
  readonly #items: AsyncIterator<unknown> | Iterator<unknown>;
  /** Both ends know of credit and numbers. To a plain peer nothing bounds the items but the room of the link. */
  readonly #isCounted: boolean;
  #credit = Infinity;
  #seq = 0;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(core: Core, method: string, source: Source<unknown>, isCounted: boolean, request?: string) {
    this.#core = core;
    this.#method = method;
    this.#isCounted = isCounted;
    this._request = request;
    this.#items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  async _run(): Promise<void> {
    const core = this.#core;
    if (this.#isOver) return;
    slot(core, outgoing).set(this._id, this);
    if (this.#isCounted) this.#credit = core._greeting?.window ?? WINDOW;
    try {
      for (;;) {
        let item = this.#items.next();
        if ("then" in item) item = await item;
        if (item.done) break;
        const text = core._json.stringify(item.value) ?? "null";
        if (text.length > core._limits.messageOut) throw new RpcError(-32008, "an item is too long");
        // It waits for credit, and for room.
        while (!this.#isOver && (this.#credit <= 0 || !core._outbox._isOpen())) {
          if (this.#credit > 0) await core._outbox._room();
          else await new Promise<void>((resolve) => (this.#wake = resolve));
        }
        if (this.#isOver) return;
        this.#send(`"result":${text}`);
        this.#credit -= Math.max(utf8Length(text), LEAST_ITEM);
        this._onItem?.();
      }
      if (this.#isCounted && !this.#isOver) this.#send('"done":true');
    } catch (error) {
      if (this.#isOver) return;
      const isTold = error instanceof RpcError;
      if (!isTold) (core._options.onError ?? console.error)(error, this.#method);
      const { code, message, data } = isTold ? error : new RpcError(-32603, "internal error");
      this.#send(`"error":${JSON.stringify({ code, message, data })}`);
    } finally {
      this._stop();
    }
  }

  #send(said: string): void {
    const seq = this.#isCounted ? `"seq":${++this.#seq},` : "";
    const params = `{"subscription":"${this._id}",${seq}${said}}`;
    const text = `{"jsonrpc":"2.0","method":${JSON.stringify(this.#method)},"params":${params}}`;
    this.#core._outbox._send(text, true);
  }

  _grant(bytes: unknown): void {
    if (!isCount(bytes, MOST_CREDIT) || this.#credit + bytes > MOST_CREDIT) return;
    this.#credit += bytes;
    this.#wake?.();
  }

  /** Ends the stream; nothing more is sent. Returns whether it had not ended. */
  _stop(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    slot(this.#core, outgoing).delete(this._id);
    this.#wake?.();
    // The source may be in the middle of an item, and hears of it behind that.
    (async () => this.#items.return?.())().catch(() => {});
    return true;
  }
}

/** The streams that this end sends, by their ids. */
function outgoing(core: Core): Map<string, Outgoing> {
  const streams = new Map<string, Outgoing>();
  const stopAll = (isMeant: (stream: Outgoing) => boolean): void => {
    for (const stream of [...streams.values()]) if (isMeant(stream)) stream._stop();
  };
  const of = ({ subscription }: Message): Outgoing | undefined => streams.get(subscription as string);
  core._extensions.set("$/credit", (params) => of(params)?._grant(params["bytes"]));
  core._extensions.set("$/stop", (params) => of(params)?._stop());
  core._extensions.set("$/cancelRequest", (_, text) => {
    const id = member(text, "params", "id");
    stopAll(({ _request }) => _request === id);
  });
  core._onEnd.push(() => stopAll(() => true));
  return streams;
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
      const { _core: core } = context.peer;
      const isCounted = core._greeting !== undefined;
      if (slot(core, outgoing).size >= SUBSCRIPTIONS) {
        throw new RpcError(-32006, "too many subscriptions", { kind: "too_many_subscriptions" });
      }
      const items = (await serve(given, context)) as Source<unknown>;
      const stream = new Outgoing(core, context.method, items, isCounted, context.id);
      context._afterAnswer = () => void stream._run();
      context.signal.addEventListener("abort", () => stream._stop());
      return stream._id;
    },
    companions: (name): Handlers => ({
      [options.unsubscribe ?? unsubscribeName(name)]: method(
        ["subscription"],
        (id: string, { peer }: Context) => slot(peer._core, outgoing).get(id)?._stop() ?? false,
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
  let isSent = false;
  return {
    toJSON() {
      const call = writing;
      if (!call || isSent) throw new TypeError("a stream goes with one call");
      isSent = true;
      const { _stream: before, _hold: hold } = call;
      const stream = new Outgoing(call._core, "$/item", source, true);
      call._stream = {
        _sent() {
          before?._sent();
          // Behind the message of the call.
          queueMicrotask(() => void stream._run());
        },
        _end() {
          before?._end();
          stream._stop();
        },
      };
      // Each item shows that the call goes on.
      stream._onItem = () => call._extend();
      call._hold = hold ?? ((go) => untilKnown(call, go));
      return { $stream: stream._id };
    },
  };
}

/** Lets a call go when the other end has said that it knows of streams. */
function untilKnown(call: Call, go: () => void): void {
  const core = call._core;
  const due = now() + HELLO_TIME;
  const received = core._received;
  const look = (): void => {
    if (core._greeting) return go();
    const message = "the other end has not said `$/hello`, so it takes no stream: a proxy or `hello` may be why";
    if (core._received > received || now() >= due) return call._fail("unsendable", undefined, message);
    if (!call._isDone) setTimeout(look, 10);
  };
  look();
}
