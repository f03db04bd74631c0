/** The newest value of what another end lets many watch. */

import { unreadable } from "../core.js";
import { GapError, type Incoming } from "../streams/incoming.js";
import { arm, disarm, now, type Alarm } from "../timer.js";
import type { LiveChange } from "./live.js";
import { has } from "./json-value.js";
import { Document } from "./patch.js";

export interface WatchOptions {
  /** Milliseconds between two values: those between are left out, and the last one always comes. Default: 0. */
  readonly throttle?: number;
  /** The longest value that is kept, as JSON text. Default: 16 MiB. */
  readonly limit?: number;
}

/** The values that are watched. Leaving the loop over them ends it. */
export interface Watch<T> extends AsyncIterableIterator<T> {
  /** The newest value that has come; there is none before the first. Each value is another one, and stays as it is. */
  readonly value: T | undefined;
  /** Asks for another time between two values. */
  throttle(ms: number): void;
  /** Waits for a value that is newer than the last one. */
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): Watch<T>;
}

/**
 * Watches a value, which a {@link Live} of the other end offers as a stream.
 *
 * ```ts
 * for await (const fleet of watch(subscribe<LiveChange<Fleet>>(peer, "fleet.state"), { throttle: 100 })) show(fleet);
 * ```
 *
 * What has not changed between two values is the same object in both. The loop may be slow: it gets the newest value,
 * and what came between is left out. The other end's stream goes on behind a gap when its session has ended, so the
 * next value is whole.
 */
export function watch<T>(stream: Incoming<LiveChange<T>>, options: WatchOptions = {}): Watch<T> {
  const { _core: core, _begin: begin, _onGap: onGap } = stream;
  const document = new Document(options.limit ?? 16 << 20);
  let interval = options.throttle ?? 0;
  /** Items were lost since the last one. */
  let gap: GapError | undefined;
  let hasValue = false;
  /** The newest value was not returned yet. */
  let isNew = false;
  let returnedAt = -Infinity;
  let isOver = false;
  /** Why it has ended, until that was told. */
  let failure: unknown;
  let rings: (() => void)[] = [];

  const ring = (): void => {
    for (const ring of rings.splice(0)) ring();
  };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const alarm: Alarm = { _due: now() + ms, _ring: resolve };
      arm(alarm);
      rings.push(() => {
        disarm(alarm);
        resolve();
      });
    });
  /** Says how often changes are wanted, to a peer that may know of it. */
  const ask = (): void => {
    const { _id: subscription } = stream;
    if (core._greeting && subscription != null) core._post("$/throttle", { subscription, intervalMs: interval });
  };
  /** Shows the newest value, unless there is more to apply first. */
  const show = (): void => {
    if (isNew && stream._items.length === 0) ring();
  };
  const take = (change: unknown): void => {
    const { value: before } = watch;
    const { value, patch } = Object(change) as { value: unknown; patch: unknown };
    const isWhole = has(change, "value");
    if (gap && !isWhole) throw gap;
    try {
      if (isWhole) document.set(value);
      else if (hasValue) document.patch(patch);
      else throw new Error("a patch before the first value");
    } catch (why) {
      throw unreadable(why);
    }
    gap = undefined;
    if (!hasValue || watch.value !== before) isNew = hasValue = true;
    show();
  };
  const run = async (): Promise<void> => {
    try {
      for (let item = await stream.next(); !item.done; item = await stream.next()) take(item.value);
    } catch (error) {
      failure = error;
    }
    stream._finish();
    isOver = true;
    ring();
  };

  stream._begin = (id, isNegotiated) => {
    begin(id, isNegotiated);
    if (interval > 0) ask();
  };
  stream._onGap = (missed) => {
    gap = new GapError(missed);
    show();
    onGap?.(missed);
  };
  if (interval > 0) ask();
  void run();

  const watch: Watch<T> = {
    get value() {
      return document.value as T | undefined;
    },
    throttle(ms) {
      interval = ms;
      ask();
      ring();
    },
    async next() {
      for (;;) {
        const due = returnedAt + interval - now();
        if (isNew && (due <= 0 || isOver)) {
          isNew = false;
          returnedAt = now();
          return { done: false, value: document.value as T };
        }
        if (isOver) {
          const error = failure;
          failure = undefined;
          if (error) throw error;
          return { done: true, value: undefined };
        }
        await wait(isNew ? due : Infinity);
      }
    },
    async return() {
      isNew = false;
      isOver = true;
      failure = undefined;
      stream._finish();
      ring();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => watch,
  };
  return watch;
}
