/** When a client that has lost its link tries again. */

import { now } from "../timer.js";

/** How a client connects again. Times are in milliseconds. */
export interface Backoff {
  /** The time within which the second attempt begins; it doubles with each. Default: 250. */
  readonly minDelay?: number;
  /** The longest such time. Default: 30,000. */
  readonly maxDelay?: number;
}

/** How long a link must last until the next loss counts as the first one. */
const STABLE = 10_000;

/** The time within which clients come back, unless the server says. */
const SPREAD = 250;

const LONGEST_SPREAD = 60_000;
const DAY = 86_400_000;

/** The times of attempts. Each is random, so that the clients of one server do not come at once. @internal */
export interface Delays {
  /** An attempt begins. */
  _begin(): void;
  /** A link is up; the server may have said within which time its clients come back. */
  _up(spreadMs: unknown): void;
  /** The server has said when to come back after the present link. */
  _comeBack(min: number, max: number): void;
  /** Returns how long to wait after the loss of a link. */
  _afterLoss(): number;
  /** Returns how long to wait after an attempt that failed. */
  _afterFailure(): number;
}

/** @internal */
export function delays({ minDelay = 250, maxDelay = 30_000 }: Backoff): Delays {
  let attempts = 0;
  let upSince = 0;
  let spread = SPREAD;
  let told: readonly [min: number, max: number] | undefined;
  const within = (): number => (attempts > 0 ? Math.min(minDelay * 2 ** (attempts - 1), maxDelay) : 0);
  const afterFailure = (): number => Math.random() * within();
  return {
    _begin: () => void attempts++,
    _up(spreadMs) {
      upSince = now();
      told = undefined;
      spread = typeof spreadMs === "number" && spreadMs >= 0 ? Math.min(spreadMs, LONGEST_SPREAD) : SPREAD;
    },
    _comeBack: (min, max) => void (told = [min, max]),
    _afterLoss() {
      if (now() - upSince >= STABLE) attempts = 0;
      // A server that lets the client in and drops it at once is not asked faster and faster.
      if (!told || !(told[1] > 0)) return Math.random() * Math.max(spread, within());
      const [min, max] = told.map((ms) => Math.min(ms, DAY)) as [number, number];
      told = undefined;
      return Math.max(min + Math.random() * Math.max(max - min, 0), afterFailure());
    },
    _afterFailure: afterFailure,
  };
}
