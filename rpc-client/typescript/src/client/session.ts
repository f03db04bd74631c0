/**
 * The counts of a session: what has left and is kept until it is acknowledged, and what was taken in.
 *
 * Nothing on a message says its number. Links are ordered, so both ends know it.
 */

import type { Message, Outgoing } from "../core.js";

/** What each message counts beside its text. */
const EACH = 128;

/** What the other end keeps, if it does not say. */
const BUFFER = 262_144;
const LEAST_BUFFER = 4_096;

const DAY = 86_400_000;

/** A message that has a number, until it is acknowledged. */
export interface Kept {
  readonly text: string;
  readonly message: Outgoing | undefined;
}

/** @internal */
export class Session {
  /** With which the session is resumed; there is none before the server has granted the session. */
  token: string | undefined;
  /** Grows with each hello that resumes. */
  attempt = 0;
  /** How long the server keeps the session without a link. */
  keepMs = 0;
  /** The server has begun to count. */
  isCounting = false;
  /** In order; the first has the number `acknowledged + 1`. */
  kept: Kept[] = [];
  keptSize = 0;
  acknowledged = 0;
  taken = 0;
  /** How often it was resumed with something to replay, and neither end had got on. */
  stuck = 0;
  #stuckAt = "0 0";
  #buffer = BUFFER;
  #takenSize = 0;
  /** What had been sent when it was last asked for what is not acknowledged. */
  #mark = 0;

  get sent(): number {
    return this.acknowledged + this.kept.length;
  }

  /** A message gets its number. */
  keep(text: string, message: Outgoing | undefined): void {
    this.kept.push({ text, message });
    this.keptSize += text.length + EACH;
  }

  /** A message was taken in. Returns whether it is time to acknowledge. */
  take(text: string): boolean {
    this.taken++;
    this.#takenSize += text.length + EACH;
    return this.#takenSize >= this.#buffer / 4;
  }

  /** Whether something was taken in that is not acknowledged. */
  get owesAck(): boolean {
    return this.#takenSize > 0;
  }

  acknowledging(): number {
    this.#takenSize = 0;
    return this.taken;
  }

  /** The other end has taken in so many. Returns whether that can be. */
  acknowledge(n: unknown): boolean {
    if (!Number.isInteger(n) || (n as number) < 0 || (n as number) > this.sent) return false;
    const gone = this.kept.splice(0, Math.max((n as number) - this.acknowledged, 0));
    this.acknowledged += gone.length;
    for (const { text } of gone) this.keptSize -= text.length + EACH;
    return true;
  }

  /** Returns whether something is kept that was kept already when this was asked the last time. */
  hasUnacknowledged(): boolean {
    const isOld = this.acknowledged < this.#mark;
    this.#mark = this.sent;
    return isOld;
  }

  /** Reads what the server's hello grants. Returns whether it grants anything. */
  grant({ token, buffer, keepMs }: Message): boolean {
    if (typeof token !== "string" || !/^[\w.~-]{22,256}$/.test(token)) return false;
    this.token = token;
    this.isCounting = true;
    this.#buffer = Math.max(typeof buffer === "number" ? buffer : BUFFER, LEAST_BUFFER);
    if (typeof keepMs === "number" && keepMs >= 0) this.keepMs = Math.min(keepMs, DAY);
    return true;
  }

  /** The server goes on with the session. Returns whether its counts and its token can be. */
  resume(said: Message): boolean {
    const { received } = said;
    if ((received as number) < this.acknowledged || !this.acknowledge(received) || !this.grant(said)) return false;
    const at = `${this.acknowledged} ${this.taken}`;
    this.stuck = this.kept.length > 0 && at === this.#stuckAt ? this.stuck + 1 : 0;
    this.#stuckAt = at;
    return true;
  }
}
