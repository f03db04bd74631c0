/** Timers that trust the clock and not the timer: one runs for all, so that a call costs none. */

/** Returns the milliseconds of a clock that never goes back. @internal */
export const now = (): number => performance.now();

/** A timer that comes so much later has overslept: the machine slept, the page was hidden, or the thread was busy. */
const OVERSLEPT = 1_000;

/** The longest time that a timer takes. */
const LONGEST = 2_147_483_647;

/** Something that rings once. @internal */
export interface Alarm {
  /** When, by {@link now}. */
  _due: number;
  /** Its place among the alarms, while it is set. */
  _place?: number | undefined;
  _ring(): void;
}

/**
 * The alarms that are set, in no order. A `Set` in which each call enters and leaves would keep all calls alive for
 * long: in V8 each table of a `Set` or `Map` that was outgrown points to the next one, so that the oldest of them holds
 * all others until the heap as a whole is looked through. For a client with many calls that was a quarter of its time.
 */
const alarms: Alarm[] = [];

/** When the timer looks for alarms that are due. */
let next = Infinity;
let running: ReturnType<typeof setTimeout> | undefined;
let isLooking = false;
/** The timer was set by itself. Where a page is hidden for long, such a timer rings once a minute. */
let isChained = false;

/** Sets an alarm, unless it is due never. @internal */
export function arm(alarm: Alarm): void {
  const due = alarm._due;
  if (due === Infinity) return;
  alarm._place ??= alarms.push(alarm) - 1;
  if (due < next || (isChained && !isLooking)) lookAt(Math.min(due, next));
}

/** @internal */
export function disarm(alarm: Alarm): void {
  const { _place: place } = alarm;
  if (place === undefined) return;
  alarm._place = undefined;
  const last = alarms.pop()!;
  if (last !== alarm) alarms[(last._place = place)] = last;
  // A timer that runs for nothing keeps a program of Node from its end.
  else if (place === 0) lookAt(Infinity);
}

function lookAt(time: number): void {
  clearTimeout(running);
  next = time;
  isChained = isLooking;
  if (time < Infinity) running = setTimeout(look, Math.min(time - now(), LONGEST));
}

function look(): void {
  const time = now();
  isLooking = true;
  try {
    // After a long sleep the answer may lie there unread: what has arrived is read first.
    const due = time - next > OVERSLEPT ? [] : alarms.filter(({ _due }) => _due <= time + 1);
    for (const alarm of due) {
      if (alarm._place === undefined) continue; // another one has stopped it
      disarm(alarm);
      alarm._ring();
    }
  } finally {
    lookAt(alarms.reduce((soonest, { _due }) => Math.min(soonest, Math.max(_due, time)), Infinity));
    isLooking = false;
  }
}

/** Returns an alarm that is not set. @internal */
export const alarm = (_ring: () => void): Alarm => ({ _due: Infinity, _ring });

/** Lets an alarm ring after so many milliseconds from now; never after `Infinity`. @internal */
export function ringIn(alarm: Alarm, ms: number): void {
  disarm(alarm);
  alarm._due = now() + ms;
  arm(alarm);
}
