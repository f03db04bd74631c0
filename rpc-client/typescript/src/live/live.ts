/** A value that many watch. */

import { withoutBytes } from "../base64.js";
import { isCount, type Core } from "../core.js";
import type { Json } from "../json.js";
import { slot } from "../slot.js";
import { now } from "../timer.js";
import { diff, type Edit } from "./diff.js";
import { shared } from "./json-value.js";
import { Log, merged } from "./log.js";
import type { Operation } from "./patch.js";
import { taker, Takers, type View } from "./taker.js";

/** An item on the stream of a live value: the whole value, or how it differs from that of the item before. */
export type LiveChange<T> = { readonly value: T } | { readonly patch: readonly Operation[] };

/** A value as it was written. */
interface Shot {
  readonly value: unknown;
  readonly text: string;
}

/**
 * How many items may be on their way to one watcher: sent, and not taken as far as this end knows. Behind a thin link or
 * at a slow watcher more would only grow old, and what is new would wait behind them.
 */
const ON_WAY = 4;

/** One item of so many asks for an answer: each is a message that both ends carry. */
const ASKS = 2;

/** The longest time between two changes that a watcher can ask for. */
const DAY = 86_400_000;

/**
 * A value that many watch, by `watch` at the other end. Each gets the value, and then its changes: each change is
 * written once, however many get it. Who is slow gets several changes as one, and who is slower still the newest value.
 * A `Uint8Array` in the value is base64 text to watchers.
 *
 * ```ts
 * const fleet = new Live<Fleet>({ agents: {} });
 * const handlers = { "fleet.state": stream([], () => fleet.subscribe()) };
 * fleet.update((fleet) => (fleet.agents.ada = { load: 1 }));
 * ```
 */
export class Live<T> {
  #value: T;
  readonly #json: Json;
  readonly #takers = new Takers();
  /** How often the value was changed, and how often when it was written last. */
  #version = 1;
  #written = 0;
  #shot: Shot = { value: undefined, text: "" };
  readonly #log = new Log();
  /** The changes from a place to the end, as they were written. */
  readonly #items = new Map<number | undefined, string | undefined>();

  constructor(value: T, { json = JSON }: { readonly json?: Json } = {}) {
    this.#value = value;
    this.#json = json;
  }

  get value(): T {
    return this.#value;
  }

  /** How many watch the value now. */
  get watchers(): number {
    return this.#takers.count;
  }

  /** Takes another value. */
  set(value: T): void {
    this.update(() => (this.#value = value));
  }

  /** Changes the value in its place. */
  update(change: (value: T) => void): void {
    if (this.#takers.end) return;
    this.#takers.ring();
    change(this.#value);
    this.#version++;
  }

  /**
   * Returns the value and its changes, for one taker: what the function of a `stream` returns. `view` says what the
   * taker sees of the value. While the value is hidden, nothing is sent, and the taker keeps what it saw last: to take
   * that away, show a part that is empty.
   */
  subscribe(view?: (value: T) => View): AsyncIterableIterator<LiveChange<T>> {
    const json = this.#json;
    /** The version that was looked at last. */
    let version = 0;
    /** The place in the log, if the taker has the value as all have it. */
    let place: number | undefined;
    /** What the taker has, if that is kept for it alone. */
    let had: Shot | undefined;
    let interval = 0;
    let wroteAt = -Infinity;
    /** How many items have left, and how many of them were taken, if the other end tells. */
    let sent = 0;
    let taken = 0;
    let note: (() => void) | undefined;

    /** Returns the item that brings the taker to the value as all have it. */
    const whole = (): string | undefined => {
      const isAlone = had && place === undefined;
      const item = isAlone ? itemOf(diff(had!.value, this.#shot.value, json), this.#shot) : this.#item(place);
      place = this.#log.end;
      had = view && this.#shot;
      return item;
    };

    return taker(this.#takers, {
      isFull: () => sent - taken >= ON_WAY,
      due: () => {
        if (version === this.#version) return Infinity;
        return this.#takers.end ? 0 : wroteAt + interval - now();
      },
      write: () => {
        this.#look();
        version = this.#version;
        const seen = view?.(this.#value) ?? "all";
        let item: string | undefined;
        if (seen === "all") item = whole();
        else {
          place = undefined;
          const before = had;
          had = seen === "hidden" ? undefined : shot(seen.part, before, json);
          item = had && itemOf(before && diff(before.value, had.value, json), had);
        }
        if (item) {
          wroteAt = now();
          note?.();
        }
        return item;
      },
      read: (text) => json.parse(text) as LiveChange<T>,
      attached(core, id, wake, say) {
        const watchers = slot(core, watching);
        note = () => {
          if (say && core._greeting!.ack) say(0, `${++sent % ASKS ? "" : '"ack":true,'}"result":`);
        };
        watchers.set(id, {
          _throttle(ms) {
            interval = ms;
            wake();
          },
          _taken(seq) {
            // Who says no number is not waited for.
            taken = isCount(seq, sent) ? seq : sent;
            wake();
          },
        });
        return () => watchers.delete(id);
      },
    });
  }

  /** Ends the streams of all watchers, behind the latest value, which changes no more. */
  close(): void {
    this.#takers.finish();
  }

  /** Ends the streams of all watchers with an error, behind the latest value. */
  fail(error: Error): void {
    this.#takers.finish(error);
  }

  /** Finds what has changed since the value was written last. */
  #look(): void {
    if (this.#written === this.#version) return;
    const before = this.#shot;
    this.#shot = shot(this.#value, before, this.#json);
    if (this.#written > 0) this.#log.push(diff(before.value, this.#shot.value, this.#json), this.#shot.text.length);
    this.#written = this.#version;
    this.#items.clear();
  }

  /** Returns the item for who has what was at a place of the log; nothing if that is all there is. */
  #item(place: number | undefined): string | undefined {
    if (place === this.#log.end) return undefined;
    if (!this.#items.has(place)) {
      const changes = place === undefined ? undefined : this.#log.since(place);
      this.#items.set(place, itemOf(changes && merged(changes), this.#shot));
    }
    return this.#items.get(place);
  }
}

/** Writes a value. The values before and after share what they have alike. */
function shot(value: unknown, before: Shot | undefined, json: Json): Shot {
  const text = json.stringify(withoutBytes(value)) ?? "null";
  if (text === before?.text) return before;
  return { text, value: shared(before?.value, json.parse(text)) };
}

/** Returns an item: of the changes, if there are any and they are shorter than the value. */
function itemOf(changes: readonly Edit[] | undefined, { text }: Shot): string | undefined {
  if (changes?.length === 0) return undefined;
  const value = `{"value":${text}}`;
  if (!changes) return value;
  const patch = `{"patch":[${changes.map(({ text }) => text).join(",")}]}`;
  return patch.length < value.length ? patch : value;
}

/** A watcher at the other end. */
interface Watching {
  _throttle(ms: number): void;
  /** It has taken items up to a number. */
  _taken(seq: unknown): void;
}

/** The watchers at the other end, by the ids of their streams. */
function watching(core: Core): Map<string, Watching> {
  const watchers = new Map<string, Watching>();
  const of = (id: unknown): Watching | undefined => watchers.get(id as string);
  const grant = core._extensions.get("$/credit");
  core._extensions.set("$/credit", (params, text) => {
    grant?.(params, text);
    of(params["subscription"])?._taken(params["seq"]);
  });
  core._extensions.set("$/throttle", ({ subscription, intervalMs }) => {
    if (intervalMs === 0 || isCount(intervalMs)) of(subscription)?._throttle(Math.min(intervalMs, DAY));
  });
  return watchers;
}
