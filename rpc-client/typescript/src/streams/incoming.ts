/** Streams that this end takes, as async iterables. */

import { isCount, readError, unreadable, type Core, type Message } from "../core.js";
import { closedError, type Closed } from "../errors.js";
import type { Json } from "../json.js";
import { member, parts, utf8Length } from "../raw.js";
import { slot } from "../slot.js";
import { LEAST_ITEM, WINDOW } from "./id.js";

/** The largest window: credit grows while the consumer keeps up, so that a far sender need not wait for each round. */
const LARGEST_WINDOW = 1 << 20;

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

/** What waits for the consumer. */
interface Item {
  readonly _value?: unknown;
  readonly _size: number;
  readonly _seq: number;
  /** The sender waits for credit. */
  readonly _asks?: boolean;
  /** It stands for items that were lost. */
  readonly _gap?: { missed: number | undefined };
}

/** A stream of items from the other end. Leaving the loop over it ends it. */
export class Incoming<T> implements AsyncIterableIterator<T> {
  readonly #core: Core;
  readonly #options: StreamOptions;
  readonly #items: Item[] = [];
  readonly #wakes: (() => void)[] = [];
  #end: { error: Error | undefined } | undefined;
  #id: unknown;
  /** Both ends know of credit and numbers. */
  #isNegotiated = false;
  #window = WINDOW;
  #credit = WINDOW;
  #consumed = 0;
  #seq = 0;
  /** It has begun once. @internal */
  _hasBegun = false;
  /** Told of the end. @internal */
  _onFinish: (() => void) | undefined;
  /** Tells the other end that nobody takes the stream any more. */
  readonly #stop: (id: unknown, isNegotiated: boolean) => void;

  /** @internal */
  constructor(core: Core, options: StreamOptions, stop: (id: unknown, isNegotiated: boolean) => void) {
    this.#core = core;
    this.#options = options;
    this.#stop = stop;
  }

  /** The stream begins, under this id. @internal */
  _begin(id: unknown, isNegotiated: boolean): void {
    if (this.#end) return this.#stop(id, isNegotiated);
    this.#id = id;
    this._hasBegun = true;
    this.#isNegotiated = isNegotiated;
    this.#window = this.#credit = WINDOW;
    this.#consumed = this.#seq = 0;
    slot(this.#core, incoming).set(JSON.stringify(id), this as Incoming<unknown>);
  }

  /** The stream will begin anew. @internal */
  _interrupt(): void {
    this.#forget();
    this.#push({ _size: 0, _seq: 0, _gap: { missed: undefined } });
  }

  /** @internal */
  _take(params: Message, text: string): void {
    try {
      this.#take(params, text);
    } catch (why) {
      this._finish(unreadable(why));
    }
  }

  #take(params: Message, text: string): void {
    const { error, done, results, seq, ack } = params;
    const isCounted = this.#isNegotiated;
    const { json } = this.#options;
    const read = (name: string): unknown => (json ? (json.parse(text) as { params: Message }).params : params)[name];
    if (isCounted && seq !== undefined) {
      const missed = isCount(seq) ? seq - this.#seq - 1 : -1;
      if (missed < 0) return;
      this.#seq += missed;
      if (missed > 0) this.#push({ _size: 0, _seq: this.#seq, _gap: { missed } });
    }
    if (isCounted && Array.isArray(results)) {
      const texts = parts(member(text, "params", "results")!);
      (read("results") as unknown[]).forEach((value, at) => this.#item(value, texts[at]![1]));
    } else if (error != null) this._finish(readError(error), true);
    else if ("result" in params) this.#item(read("result"), resultText(text, params), ack === true && seq !== undefined);
    else if (isCounted && done === true) this._finish(undefined, true);
  }

  #item(_value: unknown, text: string, _asks = false): void {
    const _size = Math.max(utf8Length(text), LEAST_ITEM);
    const _seq = ++this.#seq;
    // The last item may overdraw the credit. A plain peer knows of none, and what is too much is lost all the same.
    const isBeyond = this.#credit <= 0;
    this.#credit -= _size;
    this.#push(isBeyond ? { _size, _seq, _gap: { missed: 1 } } : { _value, _size, _seq, _asks });
  }

  #push(item: Item): void {
    const items = this.#items;
    const last = items.at(-1);
    if (item._gap && last?._gap) {
      // One gap behind the other is one gap, so that lost items take no memory.
      const missed = (last._gap.missed ?? NaN) + (item._gap.missed ?? NaN) || undefined;
      items.pop();
      item = { _size: last._size + item._size, _seq: item._seq, _gap: { missed } };
    }
    items.push(item);
    this.#wakes.shift()?.();
  }

  /** Ends the stream, here (and the other end is told) or by the other end. @internal */
  _finish(error?: Error, isByPeer = false): void {
    if (this.#end) return;
    this.#end = { error };
    if (!isByPeer) {
      this.#items.length = 0;
      if (this.#id !== undefined) this.#stop(this.#id, this.#isNegotiated);
    }
    this.#forget();
    this._onFinish?.();
    for (const wake of this.#wakes.splice(0)) wake();
  }

  /** @internal */
  get _isFinished(): boolean {
    return this.#end !== undefined;
  }

  #forget(): void {
    slot(this.#core, incoming).delete(JSON.stringify(this.#id) ?? "");
    this.#id = undefined;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const item = this.#items.shift();
      if (item) {
        this.#consume(item);
        if (!item._gap) return { done: false, value: item._value as T };
        const { missed } = item._gap;
        if (this.#options.onGap) this.#options.onGap(missed);
        else {
          this._finish();
          throw new GapError(missed);
        }
      } else if (this.#end) {
        const { error } = this.#end;
        this.#end.error = undefined;
        if (error) throw error;
        return { done: true, value: undefined };
      } else await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }

  #consume({ _size, _seq: seq, _asks: asks }: Item): void {
    this.#consumed += _size;
    if (!this.#isNegotiated) this.#credit += _size;
    else if (this.#id !== undefined && (asks || this.#consumed >= this.#window / 2)) {
      // Who has consumed all that is here is not what the sender waits for.
      const grown = this.#items.length === 0 && !asks ? Math.min(this.#window * 2, LARGEST_WINDOW) : this.#window;
      const bytes = this.#consumed + grown - this.#window;
      this.#window = grown;
      this.#consumed = 0;
      this.#credit += bytes;
      this.#core._post("$/credit", { subscription: this.#id, bytes, seq });
    }
  }

  /** Ends the stream. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this._finish();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
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
