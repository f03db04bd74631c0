/** Versions live side by side: what each end offers, told in the hellos. */

import { writing } from "../call.js";
import type { Context } from "../context.js";
import { RpcError } from "../errors.js";
import type { Feature } from "../core.js";
import { method } from "../method.js";
import { isAsked } from "../unstable.js";
import { comparison, describe, heardOffers, isOffered, mismatch, note, type Differing } from "./comparison.js";
import { provided, stable, type Model } from "./model.js";
import { isList, type Services } from "./services.js";
import type { Provided } from "../websocket.js";

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
 * Nothing is refused because of that.
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

    if (model) {
      const answer = async (hashes: unknown, context: Context): Promise<unknown> => {
        if (!Array.isArray(hashes)) throw new RpcError(-32602, "`rpc.model` takes `digests`: a list of texts");
        if (hashes.every((hash) => served.some((service) => service.hash === hash))) return true;
        const whole = await provided(model);
        return isAsked(context) ? whole : stable(whole);
      };
      core._handlers.set("rpc.model", method(["digests"], answer));
    }

    const heard = core._heard.bind(core);
    core._heard = (said) => {
      const before = core._greeting;
      heard(said);
      if (core._greeting === before) return;
      known._differing.clear();
      const offered = heardOffers(core);
      if (!offered) return;
      const differing = Object.values(calls).filter((called) => !isOffered(called, offered));
      const found = differing.map((_called): Differing => {
        return { _called, _offered: offered.find(({ name }) => name === _called.name), _changes: [] };
      });
      note(known, found);
    };

    const services = new Map(Object.values(calls).flatMap(({ name, methods }) => methods.map((it) => [it, name])));
    /** Returns an error with what is known of the method's service. */
    const explained = (error: Error, name: string): Error => {
      const isMissing = (error as Partial<RpcError>).code === -32601;
      const differing = known._differing.get(services.get(name)!);
      if (!differing || !(error instanceof RpcError) || !(isMissing || error.code === -32602)) return error;
      const changes = differing._changes.filter((change) => !isMissing && change.method === name);
      const found = {
        ...mismatch(differing),
        lacks: isMissing ? name : undefined,
        differences: changes.map(({ text }) => text),
      };
      const { code, message, data } = error;
      return Object.assign(new RpcError(code, `${message}: ${describe(found)}`, data), { mismatch: found });
    };
    const encode = core._encode.bind(core);
    core._encode = (name, params, json) => {
      const call = writing;
      if (call && services.has(name)) {
        const settle = call._settle;
        call._settle = (error, ...told) => settle.call(call, error && explained(error, name), ...told);
      }
      return encode(name, params, json);
    };
  };
}
