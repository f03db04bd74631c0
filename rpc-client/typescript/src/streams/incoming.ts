/** Streams that this end takes, as async iterables. */

import { isCount, readError, type Core, type Message } from "../core.js";
import { CallError, closedError, type Closed } from "../errors.js";
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
  readonly value?: unknown;
  readonly size: number;
  readonly seq: number;
  /** The sender waits for credit. */
  readonly asks?: boolean;
  readonly gap?: { missed: number | undefined };
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
  hasBegun = false;
  /** Tells the other end that nobody takes the stream any more. */
  readonly #stop: (id: unknown, isNegotiated: boolean) => void;

  /** @internal */
  constructor(core: Core, options: StreamOptions, stop: (id: unknown, isNegotiated: boolean) => void) {
    this.#core = core;
    this.#options = options;
    this.#stop = stop;
  }

  /** The stream begins, under this id. @internal */
  begin(id: unknown, isNegotiated: boolean): void {
    if (this.#end) return this.#stop(id, isNegotiated);
    this.#id = id;
    this.hasBegun = true;
    this.#isNegotiated = isNegotiated;
    this.#window = this.#credit = WINDOW;
    this.#consumed = this.#seq = 0;
    slot(this.#core, incoming).set(JSON.stringify(id), this as Incoming<unknown>);
  }

  /** The stream will begin anew. @internal */
  interrupt(): void {
    this.#forget();
    this.#push({ size: 0, seq: 0, gap: { missed: undefined } });
  }

  /** @internal */
  take(params: Message, text: string): void {
    try {
      this.#take(params, text);
    } catch (why) {
      this.finish(new CallError("unreadable", "MaybeExecuted", undefined, why));
    }
  }

  #take(params: Message, text: string): void {
    const { error, done, results, seq, ack } = params;
    const isCounted = this.#isNegotiated;
    const read = (name: string): unknown => {
      const { json } = this.#options;
      return json ? (json.parse(text) as { params: Message }).params[name] : params[name];
    };
    if (isCounted && seq !== undefined && !isCount(seq)) return;
    if (isCounted && seq !== undefined) {
      const missed = (seq as number) - this.#seq - 1;
      if (missed < 0) return;
      this.#seq += missed;
      if (missed > 0) this.#push({ size: 0, seq: this.#seq, gap: { missed } });
    }
    if (isCounted && Array.isArray(results)) {
      const texts = parts(member(text, "params", "results")!);
      (read("results") as unknown[]).forEach((value, at) => this.#item(value, texts[at]![1]));
    } else if ("result" in params && error == null) {
      this.#item(read("result"), resultText(text, params), ack === true && seq !== undefined);
    } else if (error != null) this.finish(readError(error), true);
    else if (isCounted && done === true) this.finish(undefined, true);
  }

  #item(value: unknown, text: string, asks = false): void {
    const size = Math.max(utf8Length(text), LEAST_ITEM);
    const seq = ++this.#seq;
    // The last item may overdraw the credit. A plain peer knows of none, and what is too much is lost all the same.
    const isBeyond = this.#credit <= 0;
    this.#credit -= size;
    this.#push(isBeyond ? { size, seq, gap: { missed: 1 } } : { value, size, seq, asks });
  }

  #push(item: Item): void {
    const last = this.#items.at(-1);
    if (item.gap && last?.gap) {
      // One gap behind the other is one gap, so that lost items take no memory.
      const missed = (last.gap.missed ?? NaN) + (item.gap.missed ?? NaN) || undefined;
      this.#items[this.#items.length - 1] = { size: last.size + item.size, seq: item.seq, gap: { missed } };
    } else this.#items.push(item);
    this.#wakes.shift()?.();
  }

  /** Ends the stream, here (and the other end is told) or by the other end. @internal */
  finish(error: Error | undefined, isByPeer = false): void {
    if (this.#end) return;
    this.#end = { error };
    if (!isByPeer) {
      this.#items.length = 0;
      if (this.#id !== undefined) this.#stop(this.#id, this.#isNegotiated);
    }
    this.#forget();
    this.onFinish?.();
    for (const wake of this.#wakes.splice(0)) wake();
  }

  /** @internal */
  get isFinished(): boolean {
    return this.#end !== undefined;
  }

  /** Told of the end. @internal */
  onFinish: (() => void) | undefined;

  #forget(): void {
    slot(this.#core, incoming).delete(JSON.stringify(this.#id) ?? "");
    this.#id = undefined;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const item = this.#items.shift();
      if (item) {
        this.#consume(item);
        if (!item.gap) return { done: false, value: item.value as T };
        const { missed } = item.gap;
        if (this.#options.onGap) this.#options.onGap(missed);
        else {
          this.finish(undefined);
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

  #consume({ size, seq, asks }: Item): void {
    this.#consumed += size;
    if (!this.#isNegotiated) this.#credit += size;
    else if (this.#id !== undefined && (asks || this.#consumed >= this.#window / 2)) {
      // Who has consumed all that is here is not what the sender waits for.
      const grown = this.#items.length === 0 && !asks ? Math.min(this.#window * 2, LARGEST_WINDOW) : this.#window;
      const bytes = this.#consumed + grown - this.#window;
      this.#window = grown;
      this.#consumed = 0;
      this.#credit += bytes;
      this.#core.post("credit", { subscription: this.#id, bytes, seq });
    }
  }

  /** Ends the stream. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.finish(undefined);
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
    stream?.take(params, text);
    return stream !== undefined;
  };
  core.takeItem = take;
  core.extensions.set("$/item", take);
  core.onEnd.push((closed: Closed) => {
    // Subscriptions that begin anew have left the table before.
    for (const stream of [...streams.values()]) stream.finish(closedError(closed, "MaybeExecuted"), true);
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

/** @internal */
export function cancelledError(signal: AbortSignal): CallError {
  return new CallError("cancelled", "MaybeExecuted", "cancelled", signal.reason);
}
