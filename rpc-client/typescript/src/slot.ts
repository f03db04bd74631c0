/** What features keep at a peer. */

import type { Core } from "./core.js";

/** Returns what `make` has made for this peer; it is made at first use. @internal */
export function slot<T>(core: Core, make: (core: Core) => T): T {
  if (!core._slots.has(make)) core._slots.set(make, make(core));
  return core._slots.get(make) as T;
}
