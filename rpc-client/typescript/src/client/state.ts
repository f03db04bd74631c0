/** Where a client stands, for a status line. */

import type { Closed } from "../errors.js";

/** Where a client stands. Times are those of `performance.now()`. */
export type State =
  /** It has never been up. `next`: when the next attempt begins; one is under way if there is none. */
  | { readonly is: "connecting"; readonly attempt: number; readonly next: number | undefined; readonly error: unknown }
  /** It has a link. `resumed`: nothing was lost. */
  | { readonly is: "up"; readonly resumed: boolean }
  /** It has lost its link, and connects again. Calls wait. */
  | {
      readonly is: "away";
      readonly since: number;
      readonly attempt: number;
      readonly next: number | undefined;
      readonly error: unknown;
    }
  /** It has a link again, but the earlier session has ended, and this is what was lost with it. */
  | ({ readonly is: "fresh" } & Losses)
  /** It has ended for ever. */
  | { readonly is: "ended"; readonly closed: Closed };

/** What was lost with a session. */
export interface Losses {
  /** Calls that have failed. */
  readonly calls: number;
  /** Notifications that may not have arrived. */
  readonly notifications: number;
}

/** Losses that are being counted. @internal */
export type LossCounts = { -readonly [what in keyof Losses]: number };

/** Returns a state as one line for people. */
export function describe(state: State): string {
  switch (state.is) {
    case "up":
      return state.resumed ? "up, session resumed" : "up";
    case "fresh":
      return `up, fresh session: ${state.calls} calls and ${state.notifications} notifications lost`;
    case "ended":
      return `ended: ${state.closed.reason || `closed by ${state.closed.by}`}`;
    default: {
      const { attempt, next } = state;
      const when =
        next === undefined ? "under way" : `in ${(Math.max(next - performance.now(), 0) / 1000).toFixed(1)} s`;
      return `${state.is}, attempt ${attempt} ${when}`;
    }
  }
}
