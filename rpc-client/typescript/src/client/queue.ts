/** What waits for a link, and what has left and is kept. */

import { Call } from "../call.js";
import type { Core, Outbox, Outgoing } from "../core.js";
import type { Closed } from "../errors.js";
import type { Link } from "../link.js";
import type { Session } from "./session.js";

/** How many messages of the program may wait. */
const WAITING = 4_096;

/** Above this a link has no room, so that what waits can still be taken back. */
const BACKLOG = 256 * 1024;

/** What is kept for a server of which nothing is known yet. */
const UNKNOWN = 64 * 1024;

/** No event tells that the backlog of a link has left. */
const LOOK_AGAIN = 5;

/** The messages of a client, over all of its links. @internal */
export abstract class Queue implements Outbox {
  protected readonly _core: Core;
  /** The link that carries messages. */
  protected _link: Link | undefined;
  protected _session: Session | undefined;
  /** Whether only those who open the session may send. */
  protected _isGated = false;
  /** The close of the last link blames a message. */
  protected _isBlamed = false;
  protected _losses = { calls: 0, notifications: 0 };
  /** What of the program waits to leave, in its order. */
  #waiting: (string | Outgoing)[] = [];
  #waitingSize = 0;
  /** What of the protocol waits for a link. */
  #owed: string[] = [];
  readonly #rooms: (() => void)[] = [];
  #poll: ReturnType<typeof setTimeout> | undefined;
  #hasPinged = false;

  constructor(core: Core) {
    this._core = core;
  }

  abstract _drop(reason: string): void;
  abstract _close(code: number, reason: string): void;

  _isUp(): boolean {
    return this._link !== undefined;
  }

  _isOpen(): boolean {
    return !this._isGated && this.#hasRoom();
  }

  #hasRoom(): boolean {
    const link = this._link;
    return !!link && link.backlog() < BACKLOG && !(this._session && this._session._keptSize >= this._core._limits.queue);
  }

  _send(message: string | Outgoing, isOwed = false, isFirst = false): boolean {
    const passesGate = isFirst || (isOwed && this._isGated);
    if (passesGate ? this.#hasRoom() : this.#waiting.length === 0 && this._isOpen()) {
      this.#leave(message);
      return true;
    }
    const isFull = this.#waiting.length >= WAITING || this.#waitingSize > this._core._limits.queue;
    if (isFirst || (isFull && !isOwed)) return false;
    this.#waiting.push(message);
    this.#waitingSize += message.length;
    this.#pollRoom();
    return true;
  }

  _post(text: string): void {
    if (this._link) this.#transmit(text);
    else if (this._session) this.#owed.push(text);
  }

  _withdraw(message: Outgoing): void {
    const at = this.#waiting.indexOf(message);
    if (at >= 0) this.#waitingSize -= this.#waiting.splice(at, 1)[0]!.length;
  }

  _room(): Promise<void> {
    return new Promise((resolve) => {
      this.#rooms.push(resolve);
      this._pump();
    });
  }

  #leave(message: string | Outgoing): void {
    if (typeof message === "string") return this.#transmit(message);
    const text = message._leave();
    if (text !== undefined) this.#transmit(text, message);
  }

  /** A message leaves for the link, and gets its number. */
  #transmit(text: string, message?: Outgoing): void {
    const session = this._session;
    session?._keep(text, message);
    this._link!.send(text);
    if (session && !session._isCounting && session._keptSize > UNKNOWN && !this.#hasPinged) {
      // Its answer shows whether the server knows of sessions.
      this.#hasPinged = true;
      this._core._start(new Call(this._core, "$/ping", undefined, {}, () => {}), true);
    }
  }

  /** Sends what waits, as far as there is room. */
  protected _pump(): void {
    while (this.#waiting.length > 0 && this._isOpen()) {
      const message = this.#waiting.shift()!;
      this.#waitingSize -= message.length;
      this.#leave(message);
    }
    if (this.#rooms.length > 0 && (this._isOpen() || this._core._end)) {
      for (const resolve of this.#rooms.splice(0)) resolve();
    }
    this.#pollRoom();
  }

  /** Looks again when the backlog of the link may have left. Of all else messages tell. */
  #pollRoom(): void {
    const isIdle = this._isGated || this.#waiting.length + this.#rooms.length === 0;
    if (isIdle || this.#poll || !this._link || this._link.backlog() < BACKLOG) return;
    this.#poll = setTimeout(() => {
      this.#poll = undefined;
      this._pump();
    }, LOOK_AGAIN);
  }

  /** Sends again what the other end has not taken in, and then what waits. */
  protected _replay(): void {
    for (const { _text } of this._session!._kept) this._link!.send(_text);
    for (const text of this.#owed.splice(0)) this.#transmit(text);
  }

  /**
   * Ends the session. What the server certainly has not taken in goes on in the next one, as do calls that may run
   * twice and subscriptions; all other calls fail by their fate.
   */
  protected _endSession(closed: Closed, received = Infinity): void {
    const core = this._core;
    const session = this._session;
    const losses = this._losses;
    const isOfProgram = (message: string | Outgoing): boolean =>
      typeof message !== "string" && message._isPutBack !== undefined;
    const waiting = this.#waiting.filter(isOfProgram);
    let number = session?._acknowledged ?? 0;
    this._session = undefined;
    this.#owed = [];
    this.#waiting = [];
    this.#hasPinged = this._isGated = false;
    for (const { _message: message } of session?._kept ?? []) {
      const isNotTaken = ++number > received;
      if (message?._isPutBack === undefined) continue; // it was of the session
      const calls = message._open?.();
      if (calls?.length === 0) continue; // all were given up
      const mayGoOn = isNotTaken && !message._isPutBack;
      if (mayGoOn && !this._isBlamed && !calls?.some((call) => call._stream)) {
        message._isPutBack = true;
        calls?.forEach((call) => call._takeBack());
        this.#waiting.push(message);
        continue;
      }
      // What made a server close each link is not sent again.
      if (mayGoOn) this._isBlamed = false;
      if (!calls) losses.notifications++;
      else if (isNotTaken) {
        losses.calls += calls.length;
        for (const call of calls) call._closed(closed, "NotSent");
      }
    }
    for (const call of [...core._calls.values()]) {
      const { idempotencyKey, isIdempotent } = call._options;
      if ((isIdempotent || idempotencyKey !== undefined) && !call._isPutBack && !call._stream) {
        call._takeBack();
        this.#waiting.push(call);
      } else {
        losses.calls++;
        call._closed(closed);
      }
    }
    core._serving._stop(closed);
    core._greeting = undefined;
    for (const tell of [...core._onEnd]) tell(closed, true); // subscriptions begin anew
    this.#waiting.push(...waiting);
    this.#waitingSize = this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  /** The client has ended. */
  protected _closeQueue(closed: Closed): void {
    clearTimeout(this.#poll);
    this._link = undefined;
    for (const message of this.#waiting.splice(0)) {
      if (typeof message !== "string") message._open?.().forEach((call) => call._closed(closed));
    }
    this._pump();
  }
}
