/** Backpressure for those who send much. */

import type { Peer } from "./peer.js";

/** Waits until the peer has room for more, or has ended. */
export function ready(peer: Peer): Promise<void> {
  return peer._core._outbox._room();
}
