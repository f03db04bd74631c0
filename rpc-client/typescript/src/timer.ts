/** Timers that trust the clock and not the timer. */

/** Returns the milliseconds of a clock that never goes back. @internal */
export const now = (): number => performance.now();

/** A timer that comes so much later has overslept: the machine slept, the page was hidden, or the thread was busy. */
const OVERSLEPT = 1_000;

/** The longest time that a timer takes. */
const LONGEST = 2 ** 31 - 1;

/** Calls `ring` after so many milliseconds, or never after `Infinity`. Returns what stops the timer. @internal */
export function timer(ms: number, ring: () => void): () => void {
  const due = now() + ms;
  let running: ReturnType<typeof setTimeout>;
  const wait = (left: number): void => {
    running = setTimeout(
      () => {
        const late = now() - due;
        if (late < -1) wait(-late);
        // After a long sleep the answer may lie there unread: what has arrived is read first.
        else if (late > OVERSLEPT) running = setTimeout(ring, 0);
        else ring();
      },
      Math.min(left, LONGEST),
    );
  };
  if (ms < Infinity) wait(ms);
  return () => clearTimeout(running);
}
