/** Who takes what a publisher offers. */

import type { Core } from "../core.js";
import { RpcError } from "../errors.js";
import type { Say, Written } from "../streams/outgoing.js";
import { arm, disarm, now, type Alarm } from "../timer.js";

/** What a taker sees of an event or of a value: all of it, nothing, or something else in its place. */
export type View = "all" | "hidden" | { readonly part: unknown };

/** What a publisher and its takers have in common. @internal */
export class Takers {
  readonly #waiting = new Set<() => void>();
  /** How many there are: from the first item that they ask for. */
  count = 0;
  /** The publisher has ended, by a failure or without one. */
  end: { readonly error: Error | undefined } | undefined;

  /** There is something new. */
  ring(): void {
    for (const ring of this.#waiting) ring();
  }

  /** The publisher ends. The first time counts. */
  finish(error?: Error): void {
    this.end ??= { error };
    this.ring();
  }

  /** Resolves when there is something new, after so many milliseconds, or when what `tell` gets is called. */
  wait(ms: number, tell: (ring: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const ring = (): void => {
        disarm(alarm);
        this.#waiting.delete(ring);
        resolve();
      };
      const alarm: Alarm = { _due: now() + ms, _ring: ring };
      arm(alarm);
      this.#waiting.add(ring);
      tell(ring);
    });
  }
}

/** How a taker gets its items. @internal */
export interface Taking<T> {
  /** Returns in how many milliseconds there is an item to write; `Infinity` if there is none. */
  due(): number;
  /** Returns the text of the next item; nothing if there is none after all. `miss` tells that so many are missing. */
  write(miss: (items: number) => void): string | undefined;
  /** Whether no item may leave until `wake` is called. */
  isFull?(): boolean;
  /** Reads the text of an item, for a program of this end. */
  read(text: string): T;
  /** Told of the stream on which the items leave. Returns what is to be done when the taker is gone. */
  attached?(core: Core, id: string, wake: () => void, say: Say): () => void;
}

/** Returns one taker: an iterable of what is offered. On a stream its items are written when they leave. @internal */
export function taker<T>(takers: Takers, taking: Taking<T>): AsyncIterableIterator<T> & Written {
  let hasBegun = false;
  let isOver = false;
  let isAttached = false;
  let wake: (() => void) | undefined;
  let detach: (() => void) | undefined;
  let say: Say = false;
  /** Numbers show the other end that items are missing, if it knows of numbers. */
  const miss = (items: number): void => {
    if (!say) throw new RpcError(-32603, `${items} items are missing`);
    say(items);
  };
  const leave = (): void => {
    if (hasBegun && !isOver) takers.count--;
    isOver = true;
  };
  const made = <U>(value: U): IteratorResult<U, undefined> => ({ done: false, value });
  return {
    _attach(core, id, told) {
      isAttached = true;
      say = told;
      detach = taking.attached?.(core, id, () => wake?.(), told);
      return () => taking.write(miss);
    },
    async next() {
      if (!hasBegun && !isOver) takers.count++;
      hasBegun = true;
      while (!isOver) {
        if (taking.isFull?.()) {
          // Nothing that the publisher does makes room.
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        const due = taking.due();
        if (due <= 0) {
          if (isAttached) return made(undefined as T);
          const text = taking.write(miss);
          if (text !== undefined) return made(taking.read(text));
        } else if (takers.end) {
          leave();
          if (takers.end.error) throw takers.end.error;
        } else await takers.wait(due, (ring) => (wake = ring));
      }
      return { done: true, value: undefined };
    },
    async return() {
      leave();
      detach?.();
      wake?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
