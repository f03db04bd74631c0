/** Finding links that are dead. */

import { ping } from "../call.js";
import type { Core, Feature } from "../core.js";
import { alarm, disarm, ringIn } from "../timer.js";

/**
 * Asks the other end for a sign of life when nothing has come for a while, and gives the link up when nothing comes
 * then. Browsers cannot send the pings of WebSockets. Any message counts as life.
 */
export function liveness({ deadAfter = 45_000 }: { deadAfter?: number } = {}): Feature {
  return ({ _core: core }) => {
    let seen = -1;
    let silent = 0;
    // A link is dead after three looks in a row at which nothing had come.
    const look = (): void => {
      if (core._end) return;
      if (core._received !== seen || core._outbox._isUp?.() === false) silent = 0;
      else if (++silent === 1) ping(core, deadAfter);
      else if (silent === 3) drop(core);
      seen = core._received;
      ringIn(next, deadAfter / 4);
    };
    const next = alarm(look);
    ringIn(next, deadAfter / 4);
    core._onEnd.push((_, renews) => renews || disarm(next));
  };
}

/** Gives up a link over which nothing has come. @internal */
export function drop(core: Core): void {
  const reason = "nothing was heard";
  if (core._outbox._drop) return core._outbox._drop(reason);
  core._outbox._close(4410, reason);
  core._ended({ by: "link", code: undefined, reason });
}
