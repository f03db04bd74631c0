/** Gives a client one link after the other, and tells its session how far the two ends have got. */

import { isCount, notification, type Core, type Message, type PeerOptions } from "../core.js";
import type { Closed } from "../errors.js";
import { ConnectError, type Dial, type Link } from "../link.js";
import { Peer } from "../peer.js";
import { gathering, type Line } from "../sequences.js";
import { now, timer } from "../timer.js";
import type { WebSocketOptions } from "../websocket.js";
import { delays, type Backoff } from "./backoff.js";
import { queue, type Carriage } from "./queue.js";
import { Session } from "./session.js";
import type { State } from "./state.js";

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
/** After so many attempts without a hello, or resumes without progress, the session is given up. */
const TRIES = 3;
/** A server may ask for another link so often. */
const MOVE_EVERY = 10_000;

/** Closes that blame a message. */
const BLAMES = [1002, 1003, 1007, 1008, 1009];
/** Closes after which a client does not come back. */
const FINAL = [4401, 4403, 4409];

/** The timers of a client. */
type Timer = "attempt" | "hello" | "ack" | "acked" | "kept" | "end";

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
  const { hello = "always", onSession, onState, onError = console.error, giveUpAfter = Infinity } = options;
  const at: Carriage = { _link: undefined, _session: undefined, _isGated: false, _isBlamed: false };
  const messages = queue(core, at);
  const attempts = delays(options);
  const timers = new Map<Timer, () => void>();
  let ups: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  let state: State;
  /** Why there is no link. */
  let problem: unknown;
  /** A link on which the answer to a hello that resumes is awaited. */
  let candidate: Line | undefined;
  /** The attempt to get a link that is under way. */
  let dialling: { readonly aborts: AbortController; readonly since: number } | undefined;
  /** When the next attempt begins. */
  let next: number | undefined;
  /** Attempts since the last link. */
  let attempt = 0;
  /** Whether the next attempt may resume the session. */
  let withToken = true;
  /** Attempts to resume in a row that brought no hello. */
  let unheard = 0;
  /** Attempts to resume in a row that failed and did not say why. */
  let unexplained = 0;
  let isUnauthorized = false;
  let isPaused = false;
  /** Since when there is no link. */
  let away = 0;
  let wasUp = false;
  /** What was lost with sessions, if the program has not been told yet. */
  let lost: { calls: number; notifications: number } | undefined;
  let movedAt = -Infinity;
  /** The message that is being read, and whether it is of the link, and does not count. */
  let reading = "";
  let isOfLink = false;
  /** The hook that opens the present session. */
  let opening: object | undefined;

  /** Sets a timer, which takes the place of the one before. */
  const set = (name: Timer, ms: number, ring: () => void): void => {
    stop(name);
    timers.set(name, timer(ms, ring));
  };
  const stop = (...names: Timer[]): void => {
    for (const name of names) timers.get(name)?.();
  };

  // Attempts.

  /** Begins an attempt. One that is under way is given up before. */
  const begin = (): void => {
    const session = at._session;
    const mine = { aborts: new AbortController(), since: now() };
    dialling?.aborts.abort();
    dialling = mine;
    next = undefined;
    isPaused = false;
    attempt++;
    attempts._begin();
    if (session && session._stuck >= TRIES) withToken = false;
    const resumes = withToken && session?._token !== undefined;
    const ended = (then: () => void): void => {
      if (dialling !== mine) return;
      dialling = undefined;
      stop("attempt");
      then();
    };
    const failed = (error: unknown): void => ended(() => hasFailed(error, resumes));
    const { signal } = mine.aborts;
    set("attempt", HANDSHAKE, () => {
      failed(new ConnectError("no answer in time"));
      mine.aborts.abort();
    });
    new Promise<Link>((resolve) => resolve(dial({ protocols: resumes ? RESUME : [], signal }))).then(
      (link) => (dialling === mine ? ended(() => opened(link, resumes)) : link.close(4410, "")),
      failed,
    );
    tell(problem);
  };

  const hasFailed = (error: unknown, resumes: boolean): void => {
    const { status, cause } = (error ?? {}) as Partial<ConnectError>;
    if (status === 403 || (status === 401 && isUnauthorized)) {
      return core._ended({ by: "peer", code: undefined, reason: `HTTP status ${status}` });
    }
    isUnauthorized = status === 401;
    // Without an answer it is not the token that keeps the client out.
    if (!status && cause) unheard = 0;
    else if (!status) isUnexplained(resumes);
    else if (resumes && status !== 429 && status !== 503) isUnheard();
    // The attempt may have been one beside a link that works.
    if (!at._link) again(attempts._afterFailure(), error);
  };

  const opened = (link: Link, resumes: boolean): void => {
    const isTrial = !resumes && at._session?._token && unexplained === TRIES;
    if (!isTrial) return attach(link, resumes);
    // There is a server. If it refuses once more what announces a resume, the session is given up.
    unexplained++;
    withToken = true;
    link.close(1000, "");
    begin();
  };

  /**
   * A browser does not say why an attempt has failed. The network may be away; or the server refuses what announces a
   * resume, as one without sessions may. So an attempt without the announcement shows whether a server can be reached.
   */
  const isUnexplained = (resumes: boolean): void => {
    if (resumes) withToken = ++unexplained < TRIES;
    else if (unexplained >= TRIES) explained();
  };

  /** The next attempts may resume the session. */
  const explained = (): void => {
    unexplained = 0;
    withToken = true;
  };

  const isUnheard = (): void => {
    if (++unheard >= TRIES) withToken = false;
  };

  /** Plans the next attempt. */
  const again = (delay: number, error: unknown): void => {
    if (!dialling && !isPaused && !core._end) {
      next = now() + delay;
      set("attempt", delay, begin);
    }
    tell(error);
  };

  // Links.

  const attach = (carrier: Link, resumes: boolean): void => {
    const session = at._session;
    const buffer = core._limits.queue;
    const link = gathering(carrier, core);
    // Alone, and before all else.
    const greet = (session: object | undefined): void => {
      core._isGreeted = true;
      carrier.send(core._hello(session));
    };
    // From here on nothing is read from the link before.
    const old = at._link ?? candidate;
    at._link = candidate = undefined;
    core._isGreeted = false;
    if (resumes && session?._token !== undefined) {
      candidate = link;
      set("hello", HANDSHAKE, () => drop("no hello in time"));
      greet({ token: session._token, attempt: ++session._attempt, received: session._taken, buffer });
    } else {
      if (session) endSession("not resumed");
      const asks = hello === "always" && options.session !== false;
      core._greeting = undefined;
      at._session = asks ? new Session() : undefined;
      if (hello === "always") greet(asks ? { buffer } : undefined);
      carry(link);
      open();
    }
    link.listen({
      message(text, length = text.length) {
        if (link === at._link) receive(text, length);
        else if (link === candidate) receiveFirst(text);
      },
      closed: (code, reason) => hasLost(link, { by: code ? "peer" : "link", code, reason }),
    });
    old?.close(4410, "taken over");
  };

  /** The link carries the messages from now on. */
  const carry = (link: Line, spreadMs?: unknown): void => {
    at._link = link;
    candidate = undefined;
    unheard = 0;
    explained();
    isUnauthorized = at._isBlamed = false;
    attempts._up(spreadMs);
    stop("hello", "kept", "end");
    awaitAck();
  };

  /** The link is over, or carries nothing any more. */
  const hasLost = (link: Line, closed: Closed): void => {
    const { code, by } = closed;
    if (link === candidate) {
      candidate = undefined;
      if (code !== 1013) isUnheard();
    } else if (link === at._link) leaveLink();
    else return;
    if (by === "peer") {
      if (FINAL.includes(code!)) return core._ended(closed);
      at._isBlamed = BLAMES.includes(code!);
      if (code === 1000) withToken = false;
    }
    stop("hello", "ack", "acked");
    if (!at._session?._token) end(closed);
    again(attempts._afterLoss(), closed);
  };

  /** There is no link from now on. */
  const leaveLink = (): void => {
    const session = at._session;
    at._link = undefined;
    away = now();
    attempt = 0;
    set("end", giveUpAfter, () => core._ended({ by: "us", code: undefined, reason: "no link in time" }));
    if (!session?._token) return;
    set("kept", session._keepMs + DEAD_AFTER, () => endSession("away for too long"));
  };

  const close = (code: number, reason: string): Line | undefined => {
    const link = at._link ?? candidate;
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
    at._link = candidate = undefined;
    end({ by: "us", code, reason });
    stop("hello", "ack", "acked", "kept");
    if (link) leaveLink();
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
      if (!wasCounting) {
        // An answer without a hello before it is that of a plain peer: there is no session.
        if (isAnswer(text)) at._session = undefined;
      } else {
        const isFirst = !session._owesAck;
        if (session._take(length)) acknowledge();
        else if (isFirst) set("ack", ACK_AFTER, acknowledge);
      }
    }
    messages._pump();
  };

  /** Reads what comes on a link that is to resume the session: nothing counts but the hello. */
  const receiveFirst = (text: string): void => {
    const { method, params } = parsed(text);
    if (method === "$/hello") isAnswered((params ?? {}) as Message);
  };

  /** Takes a notification that is of the link: in a batch it is like any other. */
  const ofLink = (take: (params: Message) => void) => (params: Message) => {
    isOfLink = !/^\s*\[/.test(reading);
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
    const link = candidate!;
    const said = (params["session"] ?? {}) as Message;
    const { resumed, received, refused, code, reason } = said;
    if (resumed === true) {
      if (!at._session!._resume(said)) return fault(1002, "false counts or token");
      const { sequences, bytes } = params;
      core._greeting = { ...core._greeting, sequences, bytes };
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
    core._heard(params);
    at._session = new Session();
    carry(link);
    grant(said);
    open();
  };

  /** Memory must not hang on the other's good will. */
  const awaitAck = (): void =>
    set("acked", at._session?._isCounting ? ACK_WITHIN : Infinity, () => {
      if (at._session!._hasUnacknowledged()) fault(4008, "acknowledges nothing");
      else awaitAck();
    });

  const acknowledge = (): void => {
    stop("ack");
    at._link!.send(notification("$/ack", `{"n":${at._session!._acknowledging()}}`));
  };

  // Sessions.

  /** Lets the program open the session, and everything else go behind that. */
  const open = (): void => {
    at._isGated = onSession !== undefined;
    if (!onSession) return isUp();
    const mine = (opening = {});
    const ended = (then: () => void): void => {
      if (opening === mine && at._isGated) then();
    };
    new Promise((resolve) => resolve(onSession(new Peer(core, true)))).then(
      () =>
        ended(() => {
          at._isGated = false;
          isUp();
        }),
      (error: unknown) =>
        ended(() => {
          leave(1000, "could not be opened");
          again(attempts._afterFailure(), error);
        }),
    );
  };

  const end = (closed: Closed, received?: number): void => {
    const { calls, notifications } = messages._endSession(closed, received);
    if (!wasUp) return;
    lost = { calls: (lost?.calls ?? 0) + calls, notifications: (lost?.notifications ?? 0) + notifications };
  };

  const endSession = (reason: string): void => end({ by: "link", code: undefined, reason });

  // States.

  const isUp = (): void => {
    if (!at._link || at._isGated) return;
    show(lost ? { is: "fresh", ...lost } : { is: "up", resumed: wasUp });
    lost = undefined;
    wasUp = true;
    problem = undefined;
    for (const { resolve } of ups.splice(0)) resolve();
    messages._pump();
  };

  /** Tells the state of a client without a link. */
  const tell = (error: unknown): void => {
    if (core._end || (at._link && !at._isGated)) return;
    problem = error;
    const told = { attempt: dialling ? attempt : attempt + 1, next, error };
    show(wasUp ? { is: "away", since: away, ...told } : { is: "connecting", ...told });
  };

  const show = (shown: State): void => {
    state = shown;
    try {
      onState?.(shown);
    } catch (error) {
      onError(error, "onState");
    }
  };

  const hasEnded = (closed: Closed): void => {
    stop(...timers.keys());
    dialling?.aborts.abort();
    dialling = undefined;
    close(closed.code ?? 1000, closed.reason);
    candidate = undefined;
    messages._end(closed);
    if (state.is !== "ended") show({ is: "ended", closed });
    for (const { reject } of ups.splice(0)) reject(new ConnectError(closed.reason, undefined, closed));
  };

  // What the program asks for.

  const up = (): Promise<void> =>
    new Promise((resolve, reject) => {
      ups.push({ resolve, reject });
      if (core._end) hasEnded(core._end);
      else if (at._link && !at._isGated) ups.pop()!.resolve();
    });

  const reconnectNow = (): void => {
    const may = dialling ? now() - dialling.since >= YOUNG : at._link ? at._session?._token : !candidate;
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
    _state: () => state,
    _up: up,
    _reconnectNow: reconnectNow,
    _newSession() {
      leave(1000, "another session");
      begin();
      return up();
    },
    _pause() {
      isPaused = true;
      dialling?.aborts.abort();
      dialling = next = undefined;
      stop("attempt");
      drop("paused");
    },
  };
}

function isAnswer(text: string): boolean {
  const message = parsed(text);
  return message["method"] == null && ("result" in message || "error" in message);
}

/** Returns the members of a message; none if it is no object. */
function parsed(text: string): Message {
  try {
    return Object(JSON.parse(text)) as Message;
  } catch {
    return {};
  }
}
