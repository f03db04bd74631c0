/** The seam to what carries messages. */

/** What carries whole messages, in their order, each way: one connection of a WebSocket, or another carrier. */
export interface Link {
  /**
   * Whether it carries binary messages. If not, bytes leave as base64 text with the feature `bytes` as well, and the
   * other end is told to send none.
   */
  readonly binary?: boolean;
  /** Names who hears of messages and of the end; called once. What came before is told then. */
  listen(events: LinkEvents): void;
  /** Sends a message: a text, or bytes if it {@link Link.binary}. A link that is over drops the message. */
  send(message: string | Uint8Array): void;
  /** Returns how many bytes were given to `send` and have not left yet. */
  backlog(): number;
  /** Ends the link. Nothing is told any more. */
  close(code: number, reason: string): void;
}

export interface LinkEvents {
  message(text: string): void;
  /** A binary message has come that is no text. Returns whether it could be read; if not, the link has to end. */
  binary?(message: ArrayBuffer): boolean;
  /** The link is over: by a close with a code, or lost without one. */
  closed(code: number | undefined, reason: string): void;
}

/** Makes a link. It rejects with a {@link ConnectError}, or with anything else. */
export type Dial = (attempt: Attempt) => Promise<Link>;

/** What an attempt to connect is for. */
export interface Attempt {
  /** Subprotocols to offer beside those of the program, since no header says that a session is to be resumed. */
  readonly protocols: readonly string[];
  /** Aborted when the link is not wanted any more. */
  readonly signal?: AbortSignal;
}

/** A link that could not be made. It has a `cause` if the carrier sees that no server was reached; browsers hide it. */
export class ConnectError extends Error {
  /** The HTTP status, where the carrier can see it: browsers hide it. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.name = "ConnectError";
    this.status = status;
  }
}
