/** When a client that has lost its link tries again. */

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
export class Delays {
  readonly #min: number;
  readonly #max: number;
  #attempts = 0;
  #upSince = 0;
  /** From the server's hello. */
  spread = SPREAD;
  /** From the server's `$/goaway`. */
  window: readonly [min: number, max: number] | undefined;

  constructor({ minDelay = 250, maxDelay = 30_000 }: Backoff) {
    this.#min = minDelay;
    this.#max = maxDelay;
  }

  begin(): void {
    this.#attempts++;
  }

  up(now: number, spread: unknown): void {
    this.#upSince = now;
    this.window = undefined;
    this.spread = typeof spread === "number" && spread >= 0 ? Math.min(spread, LONGEST_SPREAD) : SPREAD;
  }

  /** Returns how long to wait after the loss of a link. */
  afterLoss(now: number): number {
    if (now - this.#upSince >= STABLE) this.#attempts = 0;
    const { window } = this;
    this.window = undefined;
    if (window && window[1] > 0) {
      const [min, max] = [Math.min(window[0], DAY), Math.min(window[1], DAY)];
      return Math.max(min + Math.random() * Math.max(max - min, 0), this.afterFailure());
    }
    // A server that lets the client in and drops it at once is not asked faster and faster.
    return Math.random() * Math.max(this.spread, this.#within());
  }

  /** Returns how long to wait after an attempt that failed. */
  afterFailure(): number {
    return Math.random() * this.#within();
  }

  #within(): number {
    return this.#attempts === 0 ? 0 : Math.min(this.#min * 2 ** (this.#attempts - 1), this.#max);
  }
}
