/** What the other end offers, beside what this end calls. */

import type { Peer } from "../peer.js";
import type { Provided } from "../websocket.js";
import { compare } from "./compare.js";
import { comparison, heardOffers, isOffered, note, type Change } from "./comparison.js";
import { offeredName, provided, type Model, type ServiceModel } from "./model.js";
import type { ServiceVersion } from "./services.js";

/** What the other end of a connection offers, beside what this end calls. */
export type Offer =
  /** The other end does not say what it offers, or does not say it to this end. */
  | { readonly is: "unknown" }
  /** The other end serves all that this end calls: the same names, and the same types. */
  | { readonly is: "same" }
  /** Both ends differ, and each call of this end works. */
  | { readonly is: "compatible"; readonly changes: readonly Change[] }
  /** Both ends differ, and calls of this end may fail. */
  | { readonly is: "differs"; readonly changes: readonly Change[] };

/**
 * Tells whether the other end offers a service as this end calls it.
 *
 * If the other end has told in its hello that it offers the same, nothing is sent. Otherwise it is asked, and answers if
 * it is to tell its model. `model`, which the generator makes, is read only if the two ends differ: a function may load
 * it then. What differs is then known on this connection, and errors with the code -32602 tell it, if the peer has the
 * feature `offers`.
 *
 * ```ts
 * const offer = await offered(peer, services.calls.chat, () => import("./chat.model.js").then(({ model }) => model));
 * if (offer.is === "differs") showThatThePageIsOld();
 * ```
 */
export async function offered(peer: Peer, service: ServiceVersion, model: Provided<Model>): Promise<Offer> {
  const { _core: core } = peer;
  if (isOffered(service, heardOffers(core) ?? [])) return { is: "same" };
  const theirs = await peer.call<unknown>("rpc.model", [[service.hash]]).catch(() => undefined);
  if (theirs === true) return { is: "same" };
  if (typeof theirs !== "object") return { is: "unknown" };
  const own = await provided(model);
  const isMeant = (served: ServiceModel): boolean =>
    served.servedBy !== own.end && offeredName(served) === service.name;
  const called = own.services.find(isMeant);
  if (!called) throw new TypeError(`the model calls no \`${service.name}\``);
  let changes: Change[];
  let there: ServiceModel | undefined;
  try {
    const { end, services } = theirs as Model;
    if (end === own.end) return { is: "unknown" };
    changes = compare(own, called, theirs as Model);
    there = services.find(isMeant);
  } catch {
    return { is: "unknown" }; // it is no model
  }
  const version = typeof there?.version === "string" ? there.version : undefined;
  note(comparison(core), [{ _called: service, _offered: there && { version }, _changes: changes }]);
  return { is: changes.some(({ breaks }) => breaks) ? "differs" : "compatible", changes };
}
