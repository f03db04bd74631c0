/**
 * The counts of a session: what has left and is kept until it is acknowledged, and what was taken in.
 *
 * Nothing on a message says its number. Links are ordered, so both ends know it.
 */

import type { Message, Outgoing, Text } from "../core.js";
import type { ConnectError } from "../link.js";

/** What each message counts beside its text. */
const EACH = 128;

/** What the other end keeps, if it does not say. */
const BUFFER = 262_144;
const LEAST_BUFFER = 4_096;

/** What is kept for a server of which nothing is known yet. */
const UNKNOWN = 65_536;

const DAY = 86_400_000;

/** After so many attempts without a hello, or resumes without progress, the session is given up. */
const TRIES = 3;

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
  /** Attempts to resume in a row that were answered, but by no hello. */
  _unheard = 0;
  /** Attempts in a row of which nobody knows why they have failed, as in browsers. */
  #unexplained = 0;
  /** Behind such attempts another one has shown that the server can be reached. */
  #isReached = false;
  /** How often it was resumed with something to replay, and neither end had got on. */
  #stuck = 0;
  #stuckAt = "0 0";
  #buffer = BUFFER;
  #takenSize = 0;
  /** What had been sent when it was last asked for what is not acknowledged. */
  #mark = 0;

  get _sent(): number {
    return this._acknowledged + this._kept.length;
  }

  /** A message gets its number. Returns whether it is one too many for a server of which nothing is known. */
  _keep(_text: Text, _message: Outgoing | undefined): boolean {
    const wasMuch = this._keptSize > UNKNOWN;
    this._kept.push({ _text, _message });
    this._keptSize += _text.length + EACH;
    return !this._isCounting && !wasMuch && this._keptSize > UNKNOWN;
  }

  /** A message of this length was taken in. Returns whether it is time to acknowledge. */
  _take(length: number): boolean {
    this._taken++;
    this.#takenSize += length + EACH;
    return this.#takenSize >= this.#buffer / 4;
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

  /** Whether the next attempt asks to resume. */
  get _mayResume(): boolean {
    const isRefused = this._unheard >= TRIES || this.#stuck >= TRIES;
    return this._token !== undefined && !isRefused && this.#unexplained < TRIES + +this.#isReached;
  }

  /**
   * An attempt has failed. A browser does not say why: the network may be away; or the server refuses what announces a
   * resume, as one without sessions may. So an attempt without the announcement shows whether a server can be reached.
   */
  _hasFailed(resumed: boolean, { status, cause }: Partial<ConnectError>): void {
    if (!status && cause) this._unheard = 0; // without an answer it is not the token that keeps the client out
    else if (status) this._unheard += +(resumed && status !== 429 && status !== 503);
    else if (resumed) this.#unexplained++;
    else this.#forget();
  }

  /** An attempt that did not ask to resume was no failure. Returns whether the session is asked for once more. */
  _isReached(): boolean {
    const isNews = this.#unexplained === TRIES && !this.#isReached;
    this.#isReached = true;
    return isNews;
  }

  #forget(): void {
    this.#unexplained = 0;
    this.#isReached = false;
  }

  /** The server goes on with the session. Returns whether its counts and its token can be. */
  _resume(said: Message): boolean {
    const { received } = said;
    if ((received as number) < this._acknowledged || !this._acknowledge(received) || !this._grant(said)) return false;
    const at = `${this._acknowledged} ${this._taken}`;
    this.#stuck = this._kept.length > 0 && at === this.#stuckAt ? this.#stuck + 1 : 0;
    this.#stuckAt = at;
    this._unheard = 0;
    this.#forget();
    return true;
  }
}
