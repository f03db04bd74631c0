/** Gives a client one link after the other, and tells its session how far the two ends have got. */

import { isCount, notification, type Core, type Message, type PeerOptions } from "../core.js";
import type { Closed } from "../errors.js";
import { ConnectError, type Dial, type Link } from "../link.js";
import { Peer } from "../peer.js";
import { gathering, type Line } from "../sequences.js";
import { alarm, disarm, now, ringIn } from "../timer.js";
import type { WebSocketOptions } from "../websocket.js";
import { delays, type Backoff } from "./backoff.js";
import { queue, type Carriage } from "./queue.js";
import { Session } from "./session.js";
import type { State } from "./state.js";
import { status } from "./status.js";

export interface ClientOptions extends PeerOptions, WebSocketOptions, Backoff {
  /** Whether to ask the server for a session, which outlives its links. Default: true. */
  readonly session?: boolean;
  /**
   * Opens each fresh session, before all else is sent: the place to log in and to join. If it throws, the link is
   * closed, and the next attempt comes later.
   */
  readonly onSession?: (peer: Peer) => unknown;
  /** Told of each state, for a status line. */
  readonly onState?: (state: State) => void;
  /** Milliseconds without a link after which the client ends. Default: never. */
  readonly giveUpAfter?: number;
}

/** Offered where no header can say that a session is to be resumed. */
const RESUME = ["jsonrpc2", "jsonrpc2.resume"];

/** How long an attempt may take, and the answer to a hello that resumes. */
const HANDSHAKE = 10_000;
/** An acknowledgement is sent so long after the first message that is not acknowledged. */
const ACK_AFTER = 5_000;
/** What this end sent must be acknowledged within this time. */
const ACK_WITHIN = 60_000;
/** By then a server has found that a link is dead. */
const DEAD_AFTER = 45_000;
/** An attempt that is younger goes on when one is wanted now. */
const YOUNG = 1_000;
/** A server may ask for another link so often. */
const MOVE_EVERY = 10_000;

/** Closes that blame a message. */
const BLAMES = [1002, 1003, 1007, 1008, 1009];
/** Closes after which a client does not come back. */
const FINAL = [4401, 4403, 4409];

/** An attempt that is under way. */
interface Attempt {
  readonly _aborts: AbortController;
  readonly _since: number;
  /** Whether it is to resume the session. */
  readonly _resumes: boolean;
  /** The link that it has got, on which the answer to the hello that resumes is awaited. */
  _link?: Line;
}

/** What the program may ask of a client. @internal */
export interface Supervisor {
  _state(): State;
  _up(): Promise<void>;
  _reconnectNow(): void;
  _newSession(): Promise<void>;
  _pause(): void;
}

/** @internal */
export function supervise(core: Core, dial: Dial, options: ClientOptions): Supervisor {
  const { hello = "always", onSession, giveUpAfter = Infinity } = options;
  const at: Carriage = { _link: undefined, _session: undefined, _gate: undefined, _isBlamed: false };
  const messages = queue(core, at);
  const attempts = delays(options);
  const shown = status(core, at, options);
  /** The attempt that is under way. */
  let attempt: Attempt | undefined;
  let isUnauthorized = false;
  let isPaused = false;
  let movedAt = -Infinity;
  /** The message that is being read, and whether it is of the link, and does not count. */
  let reading = "";
  let isOfLink = false;

  /** When the next attempt begins, or the present one has taken too long. */
  const step = alarm(() => {
    if (!attempt) return begin();
    if (attempt._link) return drop("no hello in time");
    attempt._aborts.abort();
    hasFailed(new ConnectError("no answer in time"));
  });
  const acknowledging = alarm(() => acknowledge());
  /** Memory must not hang on the other's good will. */
  const acknowledged = alarm(() => {
    if (at._session!._hasUnacknowledged()) fault(4008, "acknowledges nothing");
    else ringIn(acknowledged, ACK_WITHIN);
  });
  const kept = alarm(() => endSession("away for too long"));
  const patience = alarm(() => core._ended({ by: "us", code: undefined, reason: "no link in time" }));

  // Attempts.

  /** Begins an attempt. One that is under way is given up before. */
  const begin = (): void => {
    attempt?._aborts.abort();
    const mine: Attempt = {
      _aborts: new AbortController(),
      _since: now(),
      _resumes: at._session?._mayResume ?? false,
    };
    attempt = mine;
    isPaused = false;
    attempts._begin();
    ringIn(step, HANDSHAKE);
    const { signal } = mine._aborts;
    new Promise<Link>((resolve) => resolve(dial({ protocols: mine._resumes ? RESUME : [], signal }))).then(
      (link) => (attempt === mine ? opened(link) : link.close(4410, "")),
      (error: unknown) => attempt === mine && hasFailed(error),
    );
    shown._tries();
  };

  const hasFailed = (error: unknown): void => {
    const { status, cause } = (error ?? {}) as Partial<ConnectError>;
    if (status === 403 || (status === 401 && isUnauthorized)) {
      return core._ended({ by: "peer", code: undefined, reason: `HTTP status ${status}` });
    }
    isUnauthorized = status === 401;
    at._session?._hasFailed(attempt!._resumes, { status, cause });
    giveUp();
    // The attempt may have been one beside a link that works.
    if (!at._link) again(attempts._afterFailure(), error);
  };

  const opened = (link: Link): void => {
    const isTrial = !attempt!._resumes && at._session?._token && at._session._isReached();
    if (!isTrial) return attach(link);
    // There is a server. If it refuses once more what announces a resume, the session is given up.
    link.close(1000, "");
    begin();
  };

  /** No attempt is under way any more. */
  const giveUp = (): void => {
    attempt = undefined;
    disarm(step);
  };

  /** Tries again after a while. */
  const again = (delay: number, error: unknown): void => {
    if (!attempt && !isPaused && !core._end) ringIn(step, delay);
    shown._hasFailed(error, attempt !== undefined, attempt || isPaused ? undefined : step._due);
  };

  // Links.

  const attach = (carrier: Link): void => {
    const session = at._session;
    const buffer = core._limits.queue;
    const link = gathering(carrier, core);
    // Alone, and before all else.
    const greet = (session: object | undefined): void => {
      core._isGreeted = true;
      carrier.send(core._hello(session));
    };
    // From here on nothing is read from the link before.
    const old = at._link;
    if (old) leaveLink();
    core._isGreeted = false;
    // The session may have ended meanwhile, over the link before.
    if (attempt!._resumes && session?._token !== undefined) {
      attempt!._link = link;
      ringIn(step, HANDSHAKE);
      greet({ token: session._token, attempt: ++session._attempt, received: session._taken, buffer });
    } else {
      if (session) endSession("not resumed");
      const asks = hello === "always" && options.session !== false;
      core._greeting = undefined;
      core._hasAnswer = false;
      at._session = asks ? new Session() : undefined;
      if (hello === "always") greet(asks ? { buffer } : undefined);
      carry(link);
      open();
    }
    link.listen({
      message(text, length = text.length) {
        if (link === at._link) receive(text, length);
        else if (link === attempt?._link) receiveFirst(text);
      },
      closed: (code, reason) => hasLost(link, { by: code ? "peer" : "link", code, reason }),
    });
    old?.close(4410, "taken over");
  };

  /** The link carries the messages from now on. */
  const carry = (link: Line, spreadMs?: unknown): void => {
    giveUp();
    at._link = link;
    isUnauthorized = at._isBlamed = false;
    attempts._up(spreadMs);
    disarm(kept);
    disarm(patience);
    awaitAck();
  };

  /** The link is over, or carries nothing any more. */
  const hasLost = (link: Line, closed: Closed): void => {
    const { code, by } = closed;
    if (link === attempt?._link) {
      giveUp();
      if (at._session && code !== 1013) at._session._unheard++;
    } else if (link === at._link) leaveLink();
    else return;
    if (by === "peer") {
      if (FINAL.includes(code!)) return core._ended(closed);
      at._isBlamed = BLAMES.includes(code!);
    }
    if (!at._session?._token || (by === "peer" && code === 1000)) end(closed);
    again(attempts._afterLoss(), closed);
  };

  /** There is no link from now on. */
  const leaveLink = (): void => {
    const session = at._session;
    at._link = undefined;
    shown._isAway();
    disarm(acknowledging);
    disarm(acknowledged);
    ringIn(patience, giveUpAfter);
    if (session?._token) ringIn(kept, session._keepMs + DEAD_AFTER);
  };

  const close = (code: number, reason: string): Line | undefined => {
    const link = at._link ?? attempt?._link;
    link?.close(code, reason);
    return link;
  };

  const drop = (reason: string): void => {
    const link = close(4410, reason);
    if (link) hasLost(link, { by: "link", code: 4410, reason });
  };

  /** Ends the link and the session; the client goes on. */
  const leave = (code: number, reason: string): void => {
    const link = close(code, reason);
    if (link && link !== at._link) giveUp();
    if (link) leaveLink();
    end({ by: "us", code, reason });
  };

  /** The other end has broken the rules of sessions. */
  const fault = (code: number, reason: string): void => {
    leave(code, reason);
    again(attempts._afterLoss(), reason);
  };

  // Messages that come.

  const receive = (text: string, length: number): void => {
    const session = at._session;
    const wasCounting = session?._isCounting;
    reading = text;
    isOfLink = false;
    core._receive(text, length);
    if (session && session === at._session && !isOfLink) {
      // An answer without a hello before it is that of a plain peer: there is no session.
      if (!wasCounting) {
        if (core._hasAnswer) at._session = undefined;
      } else if (session._take(length)) acknowledge();
      else if (acknowledging._place === undefined) ringIn(acknowledging, ACK_AFTER);
    }
    messages._pump();
  };

  /** Reads what comes on a link that is to resume the session: nothing counts but the hello. */
  const receiveFirst = (text: string): void => {
    const { method, params } = parsed(text);
    if (method === "$/hello") isAnswered((params ?? {}) as Message);
  };

  /** Takes a notification that is of the link: in a batch it is like any other. */
  const ofLink = (take: (params: Message) => void) => (params: Message, text: string) => {
    isOfLink = text === reading;
    if (isOfLink) take(params);
  };

  /** Takes what the server grants of a session. */
  const grant = (said: unknown): void => {
    const granted = (said ?? {}) as Message;
    attempts._up(granted["spreadMs"]);
    if (at._session!._grant(granted)) acknowledge();
    else at._session = undefined;
    awaitAck();
  };

  /** The server has answered a hello that resumes. */
  const isAnswered = (params: Message): void => {
    const link = attempt!._link!;
    const said = (params["session"] ?? {}) as Message;
    const { resumed, received, refused, code, reason } = said;
    if (resumed === true) {
      if (!at._session?._resume(said)) return fault(1002, "false counts or token");
      const { sequences, bytes } = params;
      core._greeting = { ...core._greeting!, sequences, bytes };
      carry(link, said["spreadMs"]);
      acknowledge();
      messages._replay();
      return isUp();
    }
    const isTold = isCount(code, 4999);
    const why = isTold ? reason : `not resumed: ${String(refused)}`;
    end(
      { by: isTold ? "peer" : "link", code: isTold ? code : undefined, reason: String(why) },
      Number.isInteger(received) ? (received as number) : undefined,
    );
    // The hello that asked to resume has begun another session on this link.
    at._session = new Session();
    carry(link);
    grant(said);
    core._heard(params);
    open();
  };

  /** What this end has sent must be acknowledged in time. */
  const awaitAck = (): void => ringIn(acknowledged, at._session?._isCounting ? ACK_WITHIN : Infinity);

  const acknowledge = (): void => {
    disarm(acknowledging);
    at._link!.send(notification("$/ack", `{"n":${at._session!._acknowledging()}}`));
  };

  // Sessions.

  /** Lets the program open the session, and everything else go behind that. */
  const open = (): void => {
    if (!onSession) return isUp();
    const gate = (at._gate = {});
    new Promise((resolve) => resolve(onSession(new Peer(core, true)))).then(
      () => {
        if (at._gate !== gate) return;
        at._gate = undefined;
        isUp();
      },
      (error: unknown) => {
        if (at._gate !== gate) return;
        leave(1000, "could not be opened");
        again(attempts._afterFailure(), error);
      },
    );
  };

  const end = (closed: Closed, received?: number): void => {
    disarm(kept);
    shown._loses((losses) => messages._endSession(closed, losses, received));
  };

  const endSession = (reason: string): void => end({ by: "link", code: undefined, reason });

  /** The client is up, unless the hook that opens the session has not returned. */
  const isUp = (): void => {
    if (shown._isUp()) messages._pump();
  };

  const hasEnded = (closed: Closed): void => {
    for (const timer of [acknowledging, acknowledged, kept, patience]) disarm(timer);
    close(closed.code ?? 1000, closed.reason);
    attempt?._aborts.abort();
    giveUp();
    messages._end(closed);
    shown._hasEnded(closed);
  };

  // What the program asks for.

  const reconnectNow = (): void => {
    const may = attempt
      ? !attempt._link && now() - attempt._since >= YOUNG
      : !at._link || at._session?._token !== undefined;
    if (may && !core._end) begin();
  };

  core._outbox = { ...messages, _drop: drop, _close: close };
  core._extensions.set(
    "$/hello",
    ofLink(({ session }) => at._session && !at._session._isCounting && grant(session)),
  );
  core._extensions.set(
    "$/ack",
    ofLink(({ n }) => {
      if (!at._session?._isCounting) return;
      if (at._session._acknowledge(n)) awaitAck();
      else fault(1002, "false acknowledgement");
    }),
  );
  core._extensions.set("$/goaway", ({ reconnectAfterMs, move }) => {
    const [min, max] = (Array.isArray(reconnectAfterMs) ? reconnectAfterMs : []) as unknown[];
    if (typeof min === "number" && typeof max === "number") attempts._comeBack(min, max);
    else attempts._comeBack(0, 5_000);
    if (move !== true || now() - movedAt < MOVE_EVERY) return;
    movedAt = now();
    reconnectNow();
  });
  void core._closed.then(hasEnded);
  leaveLink();
  begin();

  return {
    _state: shown._state,
    _up: shown._whenUp,
    _reconnectNow: reconnectNow,
    _newSession() {
      if (!core._end) {
        leave(1000, "another session");
        begin();
      }
      return shown._whenUp();
    },
    _pause() {
      isPaused = true;
      if (!attempt?._link) {
        attempt?._aborts.abort();
        giveUp();
      }
      drop("paused");
    },
  };
}

/** Returns the members of a message; none if it is no object. */
function parsed(text: string): Message {
  try {
    return Object(JSON.parse(text)) as Message;
  } catch {
    return {};
  }
}
