/** Streams that this end sends: subscriptions of the other end, and arguments of calls. */

import { writing, type Call } from "../call.js";
import type { Context } from "../context.js";
import { around, isCount, messageOf, type Core, type Message, type Text } from "../core.js";
import { RpcError } from "../errors.js";
import type { Handlers, Method } from "../handlers.js";
import { method, type MethodOptions, type Param, type Run } from "../method.js";
import { member, utf8Length } from "../raw.js";
import { toldText } from "../serving.js";
import { hasRoom, look } from "../ready.js";
import { slot } from "../slot.js";
import { now } from "../timer.js";
import { LEAST_ITEM, randomId, WINDOW } from "./id.js";
import { unsubscribeName } from "./subscribe.js";

/** How many streams the other end may have subscribed to. */
const SUBSCRIPTIONS = 256;

/** The most credit. */
const MOST_CREDIT = 2_147_483_648;

/** How long a call waits to learn whether the other end knows of streams. */
const HELLO_TIME = 5_000;

/** A source of items. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

/** A source that writes its items itself, when there is room for them. @internal */
export interface Written {
  /**
   * Told of its stream, and how to say more of the next item, if the other end knows of numbers. Returns what writes
   * the next item; nothing if there is none after all.
   */
  _attach(core: Core, id: string, say: Say): () => Text | undefined;
}

/** Says that so many items are missing before the next one, and what stands before its result. @internal */
export type Say = false | ((missing: number, before?: string) => void);

/** A stream on its way. */
interface Outgoing {
  readonly _id: string;
  /** The id of the request that it answers, as JSON text. */
  readonly _request: string | undefined;
  _run(): Promise<void>;
  _grant(bytes: unknown): void;
  /** Ends the stream; nothing more is sent. Returns whether it had not ended. */
  _stop(): boolean;
}

/** What is known of a stream on its way. */
interface Sending {
  readonly _method: string;
  /** Both ends know of credit and numbers. To a plain peer nothing bounds the items but the room of the link. */
  readonly _isCounted: boolean;
  readonly _request?: string | undefined;
  readonly _onItem?: () => void;
}

function sending(core: Core, source: Source<unknown>, { _method, _isCounted, _request, _onItem }: Sending): Outgoing {
  const _id = randomId();
  const items =
    (source as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]?.() ??
    (source as Iterable<unknown>)[Symbol.iterator]();
  let credit = Infinity;
  let before = '"result":';
  const streams = slot(core, outgoing);
  let seq = 0;
  let isOver = false;
  let wake: (() => void) | undefined;
  const say: Say =
    _isCounted &&
    ((missing, text = before) => {
      seq += missing;
      before = text;
    });
  const write = (items as Partial<Written>)._attach?.(core, _id, say) ?? core._write;

  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(_method)},"params":{"subscription":"${_id}",`;
  const send = (said: Text): void => {
    core._outbox._send(messageOf(around(_isCounted ? `${head}"seq":${++seq},` : head, said, "}}")), true);
  };

  const stream: Outgoing = {
    _id,
    _request,
    async _run() {
      if (isOver) return;
      streams.set(_id, stream);
      if (_isCounted) credit = core._greeting?.window ?? WINDOW;
      try {
        for (;;) {
          let item = items.next();
          if ("then" in item) item = await item;
          if (item.done) break;
          // It waits for credit, and for room.
          while (!isOver && (credit <= 0 || !core._outbox._isOpen())) {
            await (credit > 0 ? hasRoom(core) : new Promise<void>((resolve) => (wake = resolve)));
          }
          if (isOver) return;
          const text = write(item.value);
          if (!text) continue;
          if (text.length > core._limits.messageOut) throw new RpcError(-32008, "an item is too long");
          send(around(before, text, ""));
          credit -= Math.max(typeof text === "string" ? utf8Length(text) : text.length, LEAST_ITEM);
          _onItem?.();
        }
        if (_isCounted && !isOver) send('"done":true');
      } catch (error) {
        if (isOver) return;
        send(`"error":${toldText(core, error, _method)}`);
      } finally {
        stream._stop();
      }
    },
    _grant(bytes) {
      if (!isCount(bytes, MOST_CREDIT - Math.max(credit, 0))) return;
      credit += bytes;
      wake?.();
    },
    _stop() {
      if (isOver) return false;
      isOver = true;
      streams.delete(_id);
      wake?.();
      // The source may be in the middle of an item, and hears of it behind that.
      (async () => items.return?.())().catch(() => {});
      return true;
    },
  };
  return stream;
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
  const unsubscribe = (name: string): string => options.unsubscribe ?? unsubscribeName(name);
  return {
    async serve(given, context) {
      const { _core: core } = context.peer;
      const _isCounted = !!core._greeting;
      if (slot(core, outgoing).size >= SUBSCRIPTIONS) {
        throw new RpcError(-32006, "too many subscriptions", { kind: "too_many_subscriptions" });
      }
      const items = (await serve(given, context)) as Source<unknown>;
      const stream = sending(core, items, { _method: context.method, _isCounted, _request: context.id });
      context._afterAnswer = () => void stream._run();
      context.signal.addEventListener("abort", () => stream._stop());
      // Who hands the call on does not know its method, so that an id would be a result like any other.
      return _isCounted && member(context._text, "forwarded")
        ? { $stream: stream._id, item: context.method, unsubscribe: unsubscribe(context.method) }
        : stream._id;
    },
    companions: (name): Handlers => ({
      [unsubscribe(name)]: method(
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
      const { _stream: before } = call;
      // Each item shows that the call goes on.
      const stream = sending(call._core, source, {
        _method: "$/item",
        _isCounted: true,
        _onItem: () => call._options.timeout ?? call._extend(),
      });
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
      call._hold ??= (go) => untilKnown(call, go);
      return { $stream: stream._id };
    },
  };
}

/** Lets a call go when the other end has said that it knows of streams. */
async function untilKnown(call: Call, go: () => void): Promise<void> {
  const core = call._core;
  const due = now() + HELLO_TIME;
  const received = core._received;
  while (!core._greeting && !call._isDone) {
    const message = "no `$/hello` has come, so no stream can go: the option `hello` or a proxy may be why";
    if (core._received > received || now() >= due) return call._fail("unsendable", undefined, message);
    await look(core);
  }
  go();
}
