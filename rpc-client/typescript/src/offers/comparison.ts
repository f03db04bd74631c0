/** How the services that this end calls differ from those that the other end offers. */

import type { Core } from "../core.js";
import { slot } from "../slot.js";
import { isList, type ServiceOffer, type ServiceVersion } from "./services.js";

/** What differs in a method. */
export interface Change {
  /** The name of the method on the wire. */
  readonly method: string;
  /** Calls may fail that the types allow, or answers come that the types do not allow. */
  readonly breaks: boolean;
  /** What differs, and why it matters. */
  readonly text: string;
}

/**
 * How the service of a method differs between both ends. An {@link RpcError} with the code -32601 or -32602 has it, if
 * the peer has the feature `offers` and knows what the other end offers.
 */
export interface Mismatch {
  readonly service: string;
  /** The version that this end calls. */
  readonly called: string | undefined;
  /** What the other end offers; nothing if there is no such service. */
  readonly offered: { readonly version: string | undefined } | undefined;
  /** The method, if the other end has answered that it has no such method. */
  readonly lacks: string | undefined;
  /** What is known of how the method differs, a line each. It is known when the program has asked by `offered`. */
  readonly differences: readonly string[];
}

/** A service of which the other end has another version, or none. @internal */
export interface Differing {
  readonly _called: ServiceVersion;
  /** What the other end offers; nothing if there is no such service. */
  readonly _offered: { readonly version?: string | undefined } | undefined;
  /** What is known to differ. */
  readonly _changes: readonly Change[];
}

/** What is known of the other end. @internal */
export interface Comparison {
  /** By the names of the services. */
  readonly _differing: Map<string, Differing>;
  /** Told of what differs. */
  _tell: ((text: string) => void) | undefined;
}

/** @internal */
export function comparison(core: Core): Comparison {
  return slot(core, empty);
}

function empty(): Comparison {
  return { _differing: new Map(), _tell: undefined };
}

/** Returns what the other end has told in its hello. @internal */
export function heardOffers(core: Core): readonly ServiceOffer[] | undefined {
  const offers = core._greeting?.offers;
  return isList(offers) ? offers : undefined;
}

/** Whether a service is offered as this end calls it. @internal */
export function isOffered({ name, hash }: ServiceVersion, offers: readonly ServiceOffer[]): boolean {
  return offers.some((offer) => offer.name === name && offer.hash === hash);
}

/** Notes what was found out. It replaces what was known of the same services. @internal */
export function note({ _differing: differing, _tell: tell }: Comparison, found: readonly Differing[]): void {
  const isFirst = differing.size === 0;
  for (const one of found) differing.set(one._called.name, one);
  if (isFirst && found.length > 0) tell?.(found.map((one) => line(one)).join("; "));
}

/** Returns a line about a service, which has all that is known to differ. */
function line(differing: Differing): string {
  const changes = differing._changes.map(({ method, text }) => `\`${method}\`: ${text}`);
  return describe({ ...mismatch(differing), differences: changes });
}

/** @internal */
export function mismatch({ _called: { name, version }, _offered: offered }: Differing): Mismatch {
  return {
    service: name,
    called: version,
    offered: offered && { version: offered.version },
    lacks: undefined,
    differences: [],
  };
}

/** Returns a line for people. The other end has a part in it. @internal */
export function describe({ service, called, offered, lacks, differences }: Mismatch): string {
  if (!offered) return `the other end offers no \`${service}\``;
  const { version } = offered;
  let text = `the other end's \`${service}\` `;
  if (version === undefined) text += "differs";
  else if (called === undefined || version === called) text += `differs (version ${shown(version)})`;
  else text += `is version ${shown(version)}, not ${called}`;
  if (lacks !== undefined) text += `, and lacks \`${lacks}\``;
  return differences.length > 0 ? `${text}: ${differences.map(shown).join("; ")}` : text;
}

/** Returns a text on one line, and not too long. */
function shown(text: string): string {
  return text.slice(0, 200).replace(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1));
}
