/** Versions live side by side: what each end offers, told in the hellos. */

import type { Context } from "../context.js";
import type { Core, Feature } from "../core.js";
import { RpcError } from "../errors.js";
import type { Method } from "../handlers.js";
import { method } from "../method.js";
import { isAsked } from "../unstable.js";
import type { Provided } from "../websocket.js";
import { comparison, heardOffers, isOffered, note, type Comparison, type Differing } from "./comparison.js";
import { explainErrors } from "./explain.js";
import { provided, stable, type Model } from "./model.js";
import { isList, type Services, type ServiceVersion } from "./services.js";

export interface OffersOptions {
  /**
   * Answers the other end when it asks how the services differ: `model` of the module that the generator makes for
   * this, or a function that loads it. Without it the other end learns only whether they are the same.
   */
  readonly model?: Provided<Model>;
  /** Told of the services that differ, once for each session. Default: `console.info`. */
  readonly onDiffers?: (text: string) => void;
}

/**
 * Tells the other end in the hello what the handlers of this end offer, and compares what the other end tells with what
 * this end calls. If a service differs, errors with the codes -32601 and -32602 say how ({@link RpcError.mismatch}).
 * Nothing is refused because of that. The services of several modules are put together before.
 *
 * ```ts
 * const peer = await connect(url, { handlers, features: [offers(services)] });
 * ```
 */
export function offers({ serves, calls }: Services, { model, onDiffers = console.info }: OffersOptions = {}): Feature {
  return ({ _core: core }) => {
    const known = comparison(core);
    known._tell = (text) => onDiffers(`versions of services: ${text}`);
    // What has no handlers here is not offered.
    const served = Object.values(serves).filter(({ methods }) => methods.every((name) => core._handlers.has(name)));
    const list = served.map(({ name, version, hash }) => ({ name, version, hash }));
    if (isList(list)) Object.assign((core._offers ??= {}), { offers: list });
    else onDiffers("the hello does not tell what this end offers: there are too many services");
    if (model) core._handlers.set("rpc.model", modelMethod(served, model));
    const called = Object.values(calls);
    compareHellos(core, called, known);
    explainErrors(core, called, known);
  };
}

/** Answers `true` to who knows the hashes of all services that are served, and the model to anyone else. */
function modelMethod(served: readonly ServiceVersion[], model: Provided<Model>): Method {
  return method(["digests"], async (digests: unknown, context: Context): Promise<unknown> => {
    if (!Array.isArray(digests)) throw new RpcError(-32602, "`rpc.model` takes `digests`: a list of texts");
    if (digests.every((digest) => served.some(({ hash }) => hash === digest))) return true;
    const whole = await provided(model);
    return isAsked(context) ? whole : stable(whole);
  });
}

/** Compares what this end calls with what each first hello of a session tells. */
function compareHellos(core: Core, services: readonly ServiceVersion[], known: Comparison): void {
  const heard = core._heard.bind(core);
  core._heard = (said) => {
    const before = core._greeting;
    heard(said);
    if (core._greeting === before) return;
    known._differing.clear();
    const offers = heardOffers(core);
    if (!offers) return;
    const differing = services.filter((service) => !isOffered(service, offers));
    const found = differing.map((service): Differing => {
      return { _called: service, _offered: offers.find(({ name }) => name === service.name), _changes: [] };
    });
    note(known, found);
  };
}
