/** Events that many hear. */

import { withoutBytes } from "../base64.js";
import type { Json } from "../json.js";
import { taker, Takers, type View } from "./taker.js";

/** How much a topic keeps. */
export interface TopicOptions {
  /** The most events. Default: 1,024. */
  readonly events?: number;
  /** The longest text of all of them together. The newest one is kept, however long. Default: 4 MiB. */
  readonly length?: number;
  /** How events are written. Default: `JSON`. */
  readonly json?: Json;
}

/** What one taker of a topic gets. */
export interface TakeOptions<T> {
  /** How many of the last events come first, as far as the topic keeps them. Default: 0. */
  readonly history?: number;
  /** What the taker sees of each event. Default: all of it. */
  readonly view?: (event: T) => View;
}

/** An event, written once for all. */
interface Event<T> {
  readonly event: T;
  readonly text: string;
}

/**
 * Events that many hear. Each is written once, however many take it. A taker that falls behind what the topic keeps
 * gets a gap, and goes on with the oldest event that is kept. A `Uint8Array` in an event is base64 text to takers.
 *
 * ```ts
 * const news = new Topic<string>();
 * const handlers = { "news.listen": stream([], () => news.subscribe({ history: 10 })) };
 * news.publish("hello");
 * ```
 */
export class Topic<T> {
  /** By their places; the oldest is the first. */
  readonly #kept = new Map<number, Event<T>>();
  #first = 0;
  #end = 0;
  #length = 0;
  readonly #most: number;
  readonly #longest: number;
  readonly #json: Json;
  readonly #takers = new Takers();

  constructor({ events = 1_024, length = 4 << 20, json = JSON }: TopicOptions = {}) {
    this.#most = events;
    this.#longest = length;
    this.#json = json;
  }

  /** How many take the events now. */
  get takers(): number {
    return this.#takers.count;
  }

  /** Publishes an event, and returns how many take it. Throws if the event is no JSON. Never waits. */
  publish(event: T): number {
    const text = this.#write(event);
    if (this.#takers.end) return 0;
    this.#takers.ring();
    this.#kept.set(this.#end++, { event, text });
    this.#length += text.length;
    while (this.#kept.size > 1 && (this.#kept.size > this.#most || this.#length > this.#longest)) {
      this.#length -= this.#kept.get(this.#first)!.text.length;
      this.#kept.delete(this.#first++);
    }
    return this.takers;
  }

  /** Returns the events from now on, for one taker: what the function of a `stream` returns. */
  subscribe({ history = 0, view }: TakeOptions<T> = {}): AsyncIterableIterator<T> {
    let place = Math.max(this.#first, this.#end - history);
    let missed = 0;
    /** The next event as the taker sees it. */
    let text: string | undefined;
    return taker(this.#takers, {
      due: () => {
        while (text === undefined && place < this.#end) {
          missed += Math.max(this.#first - place, 0);
          place = Math.max(this.#first, place);
          const next = this.#kept.get(place++)!;
          const seen = view?.(next.event) ?? "all";
          if (seen !== "hidden") text = seen === "all" ? next.text : this.#write(seen.part);
        }
        return text === undefined ? Infinity : 0;
      },
      write(miss) {
        const next = text;
        if (missed > 0) miss(missed);
        missed = 0;
        text = undefined;
        return next;
      },
      read: (text) => this.#json.parse(text) as T,
    });
  }

  #write(event: unknown): string {
    return this.#json.stringify(withoutBytes(event)) ?? "null";
  }

  /** Ends the streams of all takers, behind what was published. What is published later reaches nobody. */
  close(): void {
    this.#takers.finish();
  }

  /** Ends the streams of all takers with an error, behind what was published. */
  fail(error: Error): void {
    this.#takers.finish(error);
  }
}
