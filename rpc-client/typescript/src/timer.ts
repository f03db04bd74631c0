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
  _ring(): void;
}

const alarms = new Set<Alarm>();

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
  alarms.add(alarm);
  if (due < next || (isChained && !isLooking)) lookAt(Math.min(due, next));
}

/** @internal */
export function disarm(alarm: Alarm): void {
  // A timer that runs for nothing keeps a program of Node from its end.
  if (alarms.delete(alarm) && alarms.size === 0) lookAt(Infinity);
}

function lookAt(time: number): void {
  clearTimeout(running);
  next = time;
  isChained = isLooking;
  if (time < Infinity) running = setTimeout(look, Math.min(time - now(), LONGEST));
}

function look(): void {
  isLooking = true;
  try {
    ring();
  } finally {
    isLooking = false;
  }
}

function ring(): void {
  const time = now();
  // After a long sleep the answer may lie there unread: what has arrived is read first.
  if (time - next > OVERSLEPT) return lookAt(time);
  let soonest = (next = Infinity);
  for (const alarm of alarms) {
    if (alarm._due <= time + 1) {
      alarms.delete(alarm);
      alarm._ring();
    } else soonest = Math.min(soonest, alarm._due);
  }
  if (soonest < next) lookAt(soonest);
}

/** Calls `ring` after so many milliseconds, or never after `Infinity`. Returns what stops the timer. @internal */
export function timer(ms: number, ring: () => void): () => void {
  const alarm = { _due: now() + ms, _ring: ring };
  arm(alarm);
  return () => disarm(alarm);
}
