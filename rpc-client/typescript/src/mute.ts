/** Notifications that one end does not want. */

import type { Call } from "./call.js";
import type { Core, Feature, Outgoing } from "./core.js";
import type { Peer } from "./peer.js";
import { slot } from "./slot.js";

/** How many methods one end may mute, and how long their names may be. */
const MOST = 64;
const NAME = 256;

/** How a notification begins, with its name. */
const HEAD = /^\{"jsonrpc":"2\.0","method":("(?:[^"\\]|\\.)*")/;

/**
 * Tells the other end that its notifications of a method are not wanted until {@link unmute} says so, in later sessions
 * too. What comes all the same, as from a peer that does not know of this, is not run.
 *
 * ```ts
 * mute(peer, "chat.typing");
 * ```
 */
export function mute(peer: Peer, method: string): void {
  const { _core: core } = peer;
  const methods = slot(core, unwanted);
  if (methods.has(method)) return;
  if (methods.size >= MOST) throw new RangeError(`${MOST} methods are muted already`);
  methods.add(method);
  say(core, method, true);
}

/** Tells the other end that its notifications of a method are wanted again. */
export function unmute(peer: Peer, method: string): void {
  const { _core: core } = peer;
  if (slot(core, unwanted).delete(method)) say(core, method, false);
}

/** Returns how many notifications one end has muted that the other end did not send, or this end did not run. */
export function skipped(peer: Peer): number {
  return slot(peer._core, skips).count;
}

/** Lets the other end mute notifications of this end: they are not sent. */
export const mutable: Feature = ({ _core: core }) => {
  const methods = new Set<string>();
  const send = core._send.bind(core);
  const isWanted = (message: Outgoing): boolean => {
    const isCall = (message as Partial<Call>)._options !== undefined;
    const [, name] = (!isCall && HEAD.exec(String(message._leave()))) || [];
    const isMuted = name !== undefined && methods.has(JSON.parse(name) as string);
    if (isMuted) slot(core, skips).count++;
    return !isMuted;
  };
  core._send = (message, ...how) => {
    if (methods.size === 0) return send(message, ...how);
    const batch = message as { _members?: readonly Outgoing[] };
    if (batch._members) batch._members = batch._members.filter(isWanted);
    else if (!isWanted(message)) return undefined;
    return send(message, ...how);
  };
  core._extensions.set("$/mute", ({ method, muted }) => {
    if (typeof method !== "string" || method.length > NAME) return;
    if (muted === false) methods.delete(method);
    else if (muted === true && methods.size < MOST) methods.add(method);
  });
  core._onEnd.push(() => methods.clear());
};

/** The methods that this end has muted. */
function unwanted(core: Core): Set<string> {
  const methods = new Set<string>();
  const { _serving: serving } = core;
  const { _notification: serve } = serving;
  const heard = core._heard.bind(core);
  serving._notification = (method, ...message) => {
    if (methods.has(method)) slot(core, skips).count++;
    else serve(method, ...message);
  };
  core._heard = (said) => {
    heard(said);
    for (const method of methods) say(core, method, true);
  };
  return methods;
}

function say(core: Core, method: string, muted: boolean): void {
  if (core._greeting) core._post("$/mute", { method, muted });
}

function skips(): { count: number } {
  return { count: 0 };
}
