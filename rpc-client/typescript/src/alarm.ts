/** One timer for many deadlines, which trusts the clock and not the timer. */

/** Returns the milliseconds of a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/** A timer that comes so much later has overslept: the machine slept, the page was hidden, or the thread was busy. */
const OVERSLEPT = 1_000;

/** The longest time that a timer takes. */
const LONGEST = 2 ** 31 - 1;

/**
 * Rings at the earliest time that it was set to. `ring` decides by the clock what is due, and returns when it wants to be
 * asked again.
 */
export class Alarm {
  readonly #ring: () => number;
  #due = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ring: () => number) {
    this.#ring = ring;
  }

  /** Makes the alarm ring at `due` or earlier. */
  set(due: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake(), Math.min(Math.max(due - now(), 0), LONGEST));
  }

  /** Never rings again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#due = -Infinity;
  }

  #wake(): void {
    // After a long sleep the answer may lie there unread: what has arrived is read first.
    if (now() - this.#due > OVERSLEPT) this.#timer = setTimeout(() => this.#check(), 0);
    else this.#check();
  }

  #check(): void {
    if (this.#due === -Infinity) return;
    this.#due = Infinity;
    this.set(this.#ring());
  }
}
