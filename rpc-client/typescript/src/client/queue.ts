/** What waits for a link, and what has left and is kept. */

import { Call } from "../call.js";
import type { Core, Outbox, Outgoing } from "../core.js";
import type { Closed } from "../errors.js";
import type { Link } from "../link.js";
import { Session } from "./session.js";
import type { Losses } from "./state.js";

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
  protected readonly core: Core;
  /** The link that carries messages. */
  protected link: Link | undefined;
  protected session: Session | undefined;
  /** Whether only those who open the session may send. */
  protected isGated = false;
  /** The close of the last link blames a message. */
  protected isBlamed = false;
  protected losses = { calls: 0, notifications: 0 } satisfies Losses;
  /** What of the program waits to leave, in its order. */
  #waiting: Outgoing[] = [];
  #waitingSize = 0;
  /** What of the protocol waits for a link. */
  #owed: string[] = [];
  readonly #rooms: (() => void)[] = [];
  #poll: ReturnType<typeof setTimeout> | undefined;
  #hasPinged = false;

  constructor(core: Core) {
    this.core = core;
  }

  abstract drop(reason: string): void;
  abstract close(code: number, reason: string): void;

  isUp(): boolean {
    return this.link !== undefined;
  }

  isOpen(): boolean {
    return !this.isGated && this.#hasRoom();
  }

  #hasRoom(): boolean {
    const { link, session, core } = this;
    return !!link && link.backlog() < BACKLOG && !(session && session.keptSize >= core.limits.queue);
  }

  send(message: Outgoing, isOwed = false, isFirst = false): boolean {
    const passesGate = isFirst || (isOwed && this.isGated);
    if (passesGate ? this.#hasRoom() : this.#waiting.length === 0 && this.isOpen()) {
      this.#leave(message);
      return true;
    }
    const isFull = this.#waiting.length >= WAITING || this.#waitingSize > this.core.limits.queue;
    if (isFirst || (isFull && !isOwed)) return false;
    this.#waiting.push(message);
    this.#waitingSize += message.size;
    this.#pollRoom();
    return true;
  }

  post(text: string): void {
    if (this.link) this.#transmit(text);
    else if (this.session) this.#owed.push(text);
  }

  withdraw(message: Outgoing): void {
    const at = this.#waiting.indexOf(message);
    if (at >= 0) this.#waitingSize -= this.#waiting.splice(at, 1)[0]!.size;
  }

  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#rooms.push(resolve);
      this.pump();
    });
  }

  #leave(message: Outgoing): void {
    const text = message.leave();
    if (text !== undefined) this.#transmit(text, message);
  }

  /** A message leaves for the link, and gets its number. */
  #transmit(text: string, message?: Outgoing): void {
    const { core, session } = this;
    session?.keep(text, message);
    this.link!.send(text);
    if (session && !session.isCounting && session.keptSize > UNKNOWN && !this.#hasPinged) {
      // Its answer shows whether the server knows of sessions.
      this.#hasPinged = true;
      core.start(new Call(core, "$/ping", undefined, {}, () => {}), true);
    }
  }

  /** Sends what waits, as far as there is room. */
  protected pump(): void {
    while (this.#waiting.length > 0 && this.isOpen()) {
      const message = this.#waiting.shift()!;
      this.#waitingSize -= message.size;
      this.#leave(message);
    }
    if (this.isOpen() || this.core.end) for (const resolve of this.#rooms.splice(0)) resolve();
    this.#pollRoom();
  }

  /** Looks again when the backlog of the link may have left. Of all else messages tell. */
  #pollRoom(): void {
    const isIdle = this.isGated || this.#waiting.length + this.#rooms.length === 0;
    if (this.#poll || isIdle || !this.link || this.link.backlog() < BACKLOG) return;
    this.#poll = setTimeout(() => {
      this.#poll = undefined;
      this.pump();
    }, LOOK_AGAIN);
  }

  /** Sends again what the other end has not taken in, and then what waits. */
  protected replay(): void {
    for (const { text } of this.session!.kept) this.link!.send(text);
    for (const text of this.#owed.splice(0)) this.#transmit(text);
  }

  /**
   * Ends the session. What the server certainly has not taken in goes on in the next one, as do calls that may run
   * twice and subscriptions; all other calls fail by their fate.
   */
  protected endSession(closed: Closed, received?: number): void {
    const { core, session, losses } = this;
    const waiting = this.#waiting.filter(({ isPutBack }) => isPutBack !== undefined);
    let number = session?.acknowledged ?? 0;
    this.session = undefined;
    this.#owed = [];
    this.#waiting = [];
    this.#hasPinged = this.isGated = false;
    for (const { message } of session?.kept ?? []) {
      const isNotTaken = ++number > (received ?? Infinity);
      if (message?.isPutBack === undefined) continue; // it was of the session
      const calls = callsOf(message);
      const isNote = calls === undefined;
      if (calls?.length === 0) continue; // all were given up
      if (isNotTaken && !message.isPutBack && !calls?.some(({ stream }) => stream) && !this.isBlamed) {
        message.isPutBack = true;
        calls?.forEach((call) => takeBack(core, call));
        this.#waiting.push(message);
        continue;
      }
      // What made a server close each link is not sent again.
      if (isNotTaken && !message.isPutBack) this.isBlamed = false;
      if (isNote) losses.notifications++;
      else if (isNotTaken) {
        losses.calls += calls.length;
        for (const call of calls) call.closed(closed, "NotSent");
      }
    }
    for (const call of [...core.calls.values()]) {
      const { idempotencyKey, isIdempotent } = call.options;
      if ((isIdempotent || idempotencyKey !== undefined) && !call.isPutBack && !call.stream) {
        takeBack(core, call);
        this.#waiting.push(call);
      } else {
        losses.calls++;
        call.closed(closed);
      }
    }
    core.serving.stop(closed);
    core.greeting = undefined;
    for (const tell of [...core.onEnd]) tell(closed, true); // subscriptions begin anew
    this.#waiting.push(...waiting);
    this.#waitingSize = this.#waiting.reduce((sum, { size }) => sum + size, 0);
  }

  /** The client has ended. */
  protected closeQueue(closed: Closed): void {
    clearTimeout(this.#poll);
    this.link = undefined;
    for (const message of this.#waiting.splice(0)) callsOf(message)?.forEach((call) => call.closed(closed));
    this.pump();
  }
}

/** A call is to leave again, under another id. */
function takeBack(core: Core, call: Call): void {
  core.calls.delete(call.id!);
  call.id = undefined;
}

/** Returns the calls of a message that wait for an answer; nothing for a notification. */
function callsOf(message: Outgoing): Call[] | undefined {
  if (message instanceof Call) return message.isDone ? [] : [message];
  const { calls, hasCalls } = message as { calls?: Call[]; hasCalls?: boolean };
  return hasCalls ? calls : undefined;
}
