/**
 * The counts of a session: what has left and is kept until it is acknowledged, and what was taken in.
 *
 * Nothing on a message says its number. Links are ordered, so both ends know it.
 */

import type { Message, Outgoing, Text } from "../core.js";

/** What each message counts beside its text. */
const EACH = 128;

/** What the other end keeps, if it does not say. */
const BUFFER = 262_144;
const LEAST_BUFFER = 4_096;

const DAY = 86_400_000;

/** A message that has a number, until it is acknowledged. */
export interface Kept {
  readonly _text: Text;
  readonly _message: Outgoing | undefined;
}

/** @internal */
export class Session {
  /** With which the session is resumed; there is none before the server has granted the session. */
  _token: string | undefined;
  /** Grows with each hello that resumes. */
  _attempt = 0;
  /** How long the server keeps the session without a link. */
  _keepMs = 0;
  /** The server has begun to count. */
  _isCounting = false;
  /** In order; the first has the number `acknowledged + 1`. */
  _kept: Kept[] = [];
  _keptSize = 0;
  _acknowledged = 0;
  _taken = 0;
  /** How often it was resumed with something to replay, and neither end had got on. */
  _stuck = 0;
  #stuckAt = "0 0";
  #buffer = BUFFER;
  #takenSize = 0;
  /** What had been sent when it was last asked for what is not acknowledged. */
  #mark = 0;

  get _sent(): number {
    return this._acknowledged + this._kept.length;
  }

  /** A message gets its number. */
  _keep(_text: Text, _message: Outgoing | undefined): void {
    this._kept.push({ _text, _message });
    this._keptSize += _text.length + EACH;
  }

  /** A message of this length was taken in. Returns whether it is time to acknowledge. */
  _take(length: number): boolean {
    this._taken++;
    this.#takenSize += length + EACH;
    return this.#takenSize >= this.#buffer / 4;
  }

  /** Whether something was taken in that is not acknowledged. */
  get _owesAck(): boolean {
    return this.#takenSize > 0;
  }

  _acknowledging(): number {
    this.#takenSize = 0;
    return this._taken;
  }

  /** The other end has taken in so many. Returns whether that can be. */
  _acknowledge(n: unknown): boolean {
    if (!Number.isInteger(n) || (n as number) < 0 || (n as number) > this._sent) return false;
    const gone = this._kept.splice(0, Math.max((n as number) - this._acknowledged, 0));
    this._acknowledged += gone.length;
    for (const { _text } of gone) this._keptSize -= _text.length + EACH;
    return true;
  }

  /** Returns whether something is kept that was kept already when this was asked the last time. */
  _hasUnacknowledged(): boolean {
    const isOld = this._acknowledged < this.#mark;
    this.#mark = this._sent;
    return isOld;
  }

  /** Reads what the server's hello grants. Returns whether it grants anything. */
  _grant({ token, buffer, keepMs }: Message): boolean {
    if (typeof token !== "string" || !/^[\w.~-]{22,256}$/.test(token)) return false;
    this._token = token;
    this._isCounting = true;
    this.#buffer = Math.max(typeof buffer === "number" ? buffer : BUFFER, LEAST_BUFFER);
    if (typeof keepMs === "number" && keepMs >= 0) this._keepMs = Math.min(keepMs, DAY);
    return true;
  }

  /** The server goes on with the session. Returns whether its counts and its token can be. */
  _resume(said: Message): boolean {
    const { received } = said;
    if ((received as number) < this._acknowledged || !this._acknowledge(received) || !this._grant(said)) return false;
    const at = `${this._acknowledged} ${this._taken}`;
    this._stuck = this._kept.length > 0 && at === this.#stuckAt ? this._stuck + 1 : 0;
    this.#stuckAt = at;
    return true;
  }
}
