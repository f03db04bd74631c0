/** What waits for a link, and what has left and is kept. */

import { callsIn, ping, takeBack } from "../call.js";
import type { Core, Outbox, Outgoing, Text } from "../core.js";
import type { Closed } from "../errors.js";
import { look } from "../ready.js";
import type { Line } from "../sequences.js";
import type { Session } from "./session.js";
import type { LossCounts } from "./state.js";

/** How many messages of the program may wait. */
const WAITING = 4_096;

/** Above this a link has no room, so that what waits can still be taken back. */
const BACKLOG = 262_144;

/** What carries the messages of a client. @internal */
export interface Carriage {
  _link: Line | undefined;
  _session: Session | undefined;
  /** What stands for the hook that opens the session, until it has returned: only what the hook sends may leave. */
  _gate: object | undefined;
  /** The close of the last link blames a message. */
  _isBlamed: boolean;
}

/** The messages of a client, over all of its links. @internal */
export interface Queue extends Omit<Outbox, "_drop" | "_close"> {
  /** Sends what waits, as far as there is room. */
  _pump(): void;
  /** Sends again what the other end has not taken in, and then what waits. */
  _replay(): void;
  /**
   * Ends the session. What the server certainly has not taken in goes on in the next one, as do calls that may run
   * twice and subscriptions; all other calls fail by their fate. Adds to the losses.
   */
  _endSession(closed: Closed, losses: LossCounts, received?: number): void;
  /** The client has ended. */
  _end(closed: Closed): void;
}

/** @internal */
export function queue(core: Core, at: Carriage): Queue {
  /** What of the program waits to leave, in its order. */
  let waiting: Outgoing[] = [];
  let waitingSize = 0;
  /** What of the protocol waits for a link. */
  let owed: string[] = [];
  let isLooking = false;

  const isFull = (): boolean => at._link!.backlog() >= BACKLOG;
  const hasRoom = (): boolean =>
    !!at._link && !isFull() && !(at._session && at._session._keptSize >= core._limits.queue);
  const isOpen = (): boolean => !at._gate && hasRoom();

  /** A message leaves for the link, and gets its number. */
  const transmit = (text: Text, message?: Outgoing): void => {
    const isMuch = at._session?._keep(text, message);
    at._link!.send(text);
    if (isMuch) ping(core); // its answer shows whether the server knows of sessions
  };
  const leave = (message: Outgoing): void => {
    const text = message._leave();
    if (text !== undefined) transmit(text, message);
  };
  const pump = (): void => {
    while (waiting.length > 0 && isOpen()) {
      const message = waiting.shift()!;
      waitingSize -= message.length;
      leave(message);
    }
    core._stir?.();
    lookAgain();
  };
  /** Waits until the backlog of the link may have left. Of all else somebody tells. */
  const lookAgain = (): void => {
    if (isLooking || waiting.length === 0 || at._gate || !at._link || !isFull()) return;
    isLooking = true;
    void look(core).then(() => {
      isLooking = false;
      pump();
    });
  };

  return {
    _isUp: () => at._link !== undefined,
    _isOpen: isOpen,
    _send(message, isOwed = false) {
      const isFirst = message._isPutBack;
      const passesGate = isFirst || (isOwed && at._gate);
      if (passesGate ? hasRoom() : waiting.length === 0 && isOpen()) {
        leave(message);
        return true;
      }
      if (isFirst || (!isOwed && (waiting.length >= WAITING || waitingSize > core._limits.queue))) return false;
      waiting.push(message);
      waitingSize += message.length;
      lookAgain();
      return true;
    },
    _post(text) {
      if (at._link) transmit(text);
      else if (at._session) owed.push(text);
    },
    _withdraw(message) {
      const place = waiting.indexOf(message);
      if (place >= 0) waitingSize -= waiting.splice(place, 1)[0]!.length;
    },
    _pump: pump,
    _replay() {
      for (const { _text } of at._session!._kept) at._link!.send(_text);
      for (const text of owed.splice(0)) transmit(text);
    },
    _endSession(closed, losses, received = Infinity) {
      const session = at._session;
      const before = waiting.filter(({ _isPutBack }) => _isPutBack !== undefined);
      let number = session?._acknowledged ?? 0;
      at._session = undefined;
      owed = [];
      waiting = [];
      at._gate = undefined;
      for (const { _message: message } of session?._kept ?? []) {
        const isNotTaken = ++number > received;
        if (message?._isPutBack === undefined) continue; // it was of the session
        const calls = callsIn(message);
        if (calls?.length === 0) continue; // all were given up
        const mayGoOn = isNotTaken && !message._isPutBack;
        if (mayGoOn && !at._isBlamed && !calls?.some((call) => call._stream)) {
          message._isPutBack = true;
          calls?.forEach(takeBack);
          waiting.push(message);
          continue;
        }
        // What made a server close each link is not sent again.
        if (mayGoOn) at._isBlamed = false;
        if (!calls) losses.notifications++;
        else if (isNotTaken) {
          losses.calls += calls.length;
          for (const call of calls) call._closed(closed, "NotSent");
        }
      }
      for (const call of Object.values(core._calls)) {
        const { idempotencyKey, isIdempotent } = call._options;
        if ((isIdempotent || idempotencyKey !== undefined) && !call._isPutBack && !call._stream) {
          takeBack(call);
          waiting.push(call);
        } else {
          losses.calls++;
          call._closed(closed);
        }
      }
      core._greeting = undefined;
      core._endSession(closed, true); // subscriptions begin anew
      waiting.push(...before);
      waitingSize = waiting.reduce((sum, { length }) => sum + length, 0);
    },
    _end(closed) {
      at._link = undefined;
      for (const message of waiting.splice(0)) callsIn(message)?.forEach((call) => call._closed(closed));
    },
  };
}
