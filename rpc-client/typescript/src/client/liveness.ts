/** Finding links that are dead. */

import { now } from "../alarm.js";
import { Call } from "../call.js";
import type { Core, Feature } from "../core.js";

/**
 * Asks the other end for a sign of life when nothing has come for a while, and gives the link up when nothing comes
 * then. Browsers cannot send the pings of WebSockets. Any message counts as life.
 */
export function liveness({ deadAfter = 45_000 }: { deadAfter?: number } = {}): Feature {
  return (core: Core) => {
    // A link is dead after three looks at which nothing had come.
    const every = deadAfter / 4;
    let seen = -1;
    let silent = 0;
    let due = now() + every;
    core.deadlines.push((time) => {
      if (time < due) return due;
      due = time + every;
      if (core.received !== seen || !core.outbox.isUp()) silent = 0;
      else if (++silent >= 3) {
        silent = 0;
        core.outbox.drop("nothing was heard");
      } else if (silent === 1) {
        const ping = new Call(core, "$/ping", undefined, { timeout: deadAfter }, () => {});
        core.start(ping, true);
      }
      seen = core.received;
      return due;
    });
    core.alarm.set(due);
  };
}
