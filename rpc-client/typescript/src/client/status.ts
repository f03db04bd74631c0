/** What a client shows of itself. */

import type { Core } from "../core.js";
import type { Closed } from "../errors.js";
import { ConnectError } from "../link.js";
import { now } from "../timer.js";
import type { Carriage } from "./queue.js";
import type { LossCounts, State } from "./state.js";
import type { ClientOptions } from "./supervisor.js";

/** @internal */
export interface Status {
  _state(): State;
  /** Resolves when the client is up; rejects if it ends before. */
  _whenUp(): Promise<void>;
  /** There is no link from now on. */
  _isAway(): void;
  /** An attempt begins. */
  _tries(): void;
  /** An attempt, or a link, has failed. `next`: when the next attempt begins, unless one is under way. */
  _hasFailed(error: unknown, isTrying: boolean, next: number | undefined): void;
  /** A session has ended; `add` adds what is lost with it. */
  _loses(add: (losses: LossCounts) => void): void;
  /** The client may be up. Returns whether it is. */
  _isUp(): boolean;
  _hasEnded(closed: Closed): void;
}

/** @internal */
export function status(core: Core, at: Carriage, { onState, onError = console.error }: ClientOptions): Status {
  let state: State;
  /** Told of each state. */
  const watchers: (() => void)[] = [];
  /** Why there is no link. */
  let error: unknown;
  /** Since when there is no link, and attempts since then. */
  let since = 0;
  let attempts = 0;
  let wasUp = false;
  /** What was lost with sessions, if the program has not been told yet. */
  let lost: LossCounts | undefined;

  const isUp = (): boolean => at._link !== undefined && !at._gate;

  const show = (shown: State): void => {
    state = shown;
    try {
      onState?.(shown);
    } catch (error) {
      onError(error, "onState");
    }
    for (const look of watchers.splice(0)) look();
  };

  const tell = (attempt: number, next?: number): void => {
    if (core._end || isUp()) return;
    const told = { attempt, next, error };
    show(wasUp ? { is: "away", since, ...told } : { is: "connecting", ...told });
  };

  return {
    _state: () => state,
    _whenUp: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (core._end) reject(new ConnectError(core._end.reason, undefined, core._end));
          else if (isUp()) resolve();
          else watchers.push(look);
        };
        look();
      }),
    _isAway() {
      since = now();
      attempts = 0;
    },
    _tries: () => tell(++attempts),
    _hasFailed(why, isTrying, next) {
      error = why;
      tell(isTrying ? attempts : attempts + 1, next);
    },
    _loses(add) {
      const losses = lost ?? { calls: 0, notifications: 0 };
      add(losses);
      if (wasUp) lost = losses;
    },
    _isUp() {
      if (!isUp()) return false;
      const told = lost;
      lost = error = undefined;
      show(told ? { is: "fresh", ...told } : { is: "up", resumed: wasUp });
      wasUp = true;
      return true;
    },
    _hasEnded: (closed) => show({ is: "ended", closed }),
  };
}
