/** Streams that this end takes, as async iterables. */

import { isCount, readError, unreadable, type Core, type Message } from "../core.js";
import { closedError, type Closed } from "../errors.js";
import type { Json } from "../json.js";
import { member, parts, utf8Length } from "../raw.js";
import { slot } from "../slot.js";
import { LEAST_ITEM, WINDOW } from "./id.js";

/** The largest window: credit grows while the consumer keeps up, so that a far sender need not wait for each round. */
const LARGEST_WINDOW = 1_048_576;

/** Items of a stream were lost: it ends, unless the program has said with `onGap` that it goes on. */
export class GapError extends Error {
  /** How many; unknown if the stream was begun anew in another session. */
  readonly missed: number | undefined;

  constructor(missed: number | undefined) {
    super(`${missed ?? "some"} items of the stream were lost`);
    this.name = "GapError";
    this.missed = missed;
  }
}

/** What is said of a stream. */
export interface StreamOptions {
  /** Told in the place of items that were lost. Without it a loss ends the stream with a {@link GapError}. */
  readonly onGap?: ((missed: number | undefined) => void) | undefined;
  /** How items are read, if not as by the peer. */
  readonly json?: Json | undefined;
}

/** What waits for the consumer. @internal */
export interface Item {
  readonly _value?: unknown;
  readonly _size: number;
  readonly _seq: number;
  /** The sender waits for credit. */
  readonly _asks?: boolean;
  /** It stands for items that were lost. */
  readonly _gap?: { missed: number | undefined };
}

/** A stream of items from the other end. Leaving the loop over it ends it. */
export interface Incoming<T> extends AsyncIterableIterator<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends the stream. */
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): Incoming<T>;
  /** It has begun once. @internal */
  _hasBegun?: boolean;
  /** @internal */
  _isFinished?: boolean;
  /** @internal */
  readonly _core: Core;
  /** @internal */
  _id?: unknown;
  /** What waits for the consumer. @internal */
  readonly _items: readonly Item[];
  /** @internal */
  _onGap: StreamOptions["onGap"];
  /** Told of the end. @internal */
  _onFinish?: () => void;
  /** The stream begins, under this id. @internal */
  _begin(id: unknown, isNegotiated: boolean): void;
  /** The stream will begin anew. @internal */
  _interrupt(): void;
  /** Takes what the other end says of the stream. @internal */
  _take(params: Message, text: string): void;
  /** Ends the stream, here (and the other end is told) or by the other end. @internal */
  _finish(error?: Error, isByPeer?: boolean): void;
}

/** Makes a stream. `stop` tells the other end that nobody takes it any more. @internal */
export function receiveStream<T>(
  core: Core,
  { onGap, json }: StreamOptions,
  stop: (id: unknown, isNegotiated: boolean) => void,
): Incoming<T> {
  const streams = slot(core, incoming);
  const items: Item[] = [];
  const wakes: (() => void)[] = [];
  /** Why it has ended, until that was told. */
  let failure: Error | undefined;
  /** Both ends know of credit and numbers. */
  let isCounted: boolean;
  let window: number;
  let credit: number;
  let consumed: number;
  let seq: number;

  const forget = (): void => {
    streams.delete(JSON.stringify(stream._id) ?? "");
    stream._id = undefined;
  };

  const push = (item: Item): void => {
    const last = items.at(-1);
    if (item._gap && last?._gap) {
      // One gap behind the other is one gap, so that lost items take no memory.
      const missed = (last._gap.missed ?? NaN) + (item._gap.missed ?? NaN) || undefined;
      items.pop();
      item = { _size: last._size + item._size, _seq: item._seq, _gap: { missed } };
    }
    items.push(item);
    wakes.shift()?.();
  };

  const gap = (missed?: number, _size = 0): void => push({ _size, _seq: seq, _gap: { missed } });

  const take = (_value: unknown, text: string, _asks = false): void => {
    const _size = Math.max(utf8Length(text) + (core._absent?.(text) ?? 0), LEAST_ITEM);
    seq++;
    // The last item may overdraw the credit. A plain peer knows of none, and what is too much is lost all the same.
    if (credit > 0) push({ _value, _size, _seq: seq, _asks });
    else gap(1, _size);
    credit -= _size;
  };

  const consume = ({ _size, _seq, _asks }: Item): void => {
    consumed += _size;
    if (!isCounted) credit += _size;
    else if (stream._id != null && (_asks || consumed >= window / 2)) {
      // Who has consumed all that is here is not what the sender waits for.
      const grown = items.length === 0 && !_asks ? Math.min(window * 2, LARGEST_WINDOW) : window;
      const bytes = consumed + grown - window;
      window = grown;
      consumed = 0;
      credit += bytes;
      core._post("$/credit", { subscription: stream._id, bytes, seq: _seq });
    }
  };

  const stream: Incoming<T> = {
    _core: core,
    _items: items,
    _onGap: onGap,
    _begin(begun, isNegotiated) {
      if (stream._isFinished) return stop(begun, isNegotiated);
      stream._id = begun;
      stream._hasBegun = true;
      isCounted = isNegotiated;
      window = credit = WINDOW;
      consumed = seq = 0;
      streams.set(JSON.stringify(begun), stream as Incoming<unknown>);
    },
    _interrupt() {
      forget();
      gap();
    },
    _take(params, text) {
      const { error, done, results, seq: said, ack } = params;
      const read = (name: string): unknown =>
        (json ? (core._read(text, json) as { params: Message }).params : params)[name];
      if (isCounted && said !== undefined) {
        const missed = isCount(said) ? said - seq - 1 : -1;
        if (missed < 0) return;
        seq += missed;
        if (missed > 0) gap(missed);
      }
      try {
        if (isCounted && Array.isArray(results)) {
          const texts = parts(member(text, "params", "results")!);
          (read("results") as unknown[]).forEach((value, at) => take(value, texts[at]![1]));
        } else if (error != null) stream._finish(readError(error), true);
        else if ("result" in params) take(read("result"), resultText(text, params), ack === true && said !== undefined);
        else if (isCounted && done === true) stream._finish(undefined, true);
      } catch (why) {
        stream._finish(unreadable(why));
      }
    },
    _finish(error, isByPeer) {
      if (stream._isFinished) return;
      stream._isFinished = true;
      failure = error;
      if (!isByPeer) {
        items.length = 0;
        if (stream._id != null) stop(stream._id, isCounted);
      }
      forget();
      stream._onFinish?.();
      for (const wake of wakes.splice(0)) wake();
    },
    async next() {
      for (;;) {
        const item = items.shift();
        if (item) {
          consume(item);
          if (!item._gap) return { done: false, value: item._value as T };
          const { missed } = item._gap;
          if (!stream._onGap) {
            stream._finish();
            throw new GapError(missed);
          }
          stream._onGap(missed);
        } else if (stream._isFinished) {
          const error = failure;
          failure = undefined;
          if (error) throw error;
          return { done: true, value: undefined };
        } else await new Promise<void>((resolve) => wakes.push(resolve));
      }
    },
    async return() {
      stream._finish();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}

/** The streams that this end takes, by the JSON of their ids. @internal */
export function incoming(core: Core): Map<string, Incoming<unknown>> {
  const streams = new Map<string, Incoming<unknown>>();
  const take = (params: Message, text: string): boolean => {
    const stream = streams.get(JSON.stringify(params["subscription"]) ?? "");
    stream?._take(params, text);
    return stream !== undefined;
  };
  core._takeItem = take;
  core._extensions.set("$/item", take);
  core._onEnd.push((closed: Closed) => {
    // Subscriptions that begin anew have left the table before.
    for (const stream of [...streams.values()]) stream._finish(closedError(closed, "MaybeExecuted"), true);
  });
  return streams;
}

/** Returns the text of the result of an item. */
function resultText(text: string, params: Message): string {
  // As it is usually written: behind all else.
  const { subscription, seq } = params;
  const head = `"params":{"subscription":${JSON.stringify(subscription)},"seq":${String(seq)},"result":`;
  const at = text.indexOf(head);
  const isUsual = at > 0 && text.endsWith("}}") && Object.keys(params).length === 3;
  return isUsual ? text.slice(at + head.length, -2) : member(text, "params", "result")!;
}
