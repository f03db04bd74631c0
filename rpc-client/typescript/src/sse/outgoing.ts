/** What a link has sent and the server has not taken in, by number. */

/** Characters of messages in one `POST`, unless one message has more. */
const POST = 262_144;

/** Stands before each text of a sequence (RFC 7464), and never in JSON. */
const SEPARATOR = "\x1e";

/** @internal */
export class Outgoing {
  #waiting: string[] = [];
  #acknowledged = 0;
  /** Characters that wait. */
  length = 0;

  /** The number of the last message. */
  get last(): number {
    return this.#acknowledged + this.#waiting.length;
  }

  /** The first message, which opens the link. */
  get first(): string {
    return this.#waiting[0]!;
  }

  push(message: string): void {
    // Each text of a sequence is a message by itself here. Ends of lines are between the tokens of JSON only.
    for (const text of message.split(SEPARATOR)) {
      const line = text.replace(/[\n\r]/g, " ").trim();
      if (!line) continue;
      this.#waiting.push(line);
      this.length += line.length;
    }
  }

  /** Returns the next `POST`: all that waits, up to its bound. */
  next(): { readonly headers: Record<string, string>; readonly body: string | null } {
    let length = 0;
    const end = this.#waiting.findIndex((line) => (length += line.length) > POST);
    const lines = end < 0 ? this.#waiting : this.#waiting.slice(0, Math.max(1, end));
    if (!lines.length) return { headers: {}, body: null };
    return { headers: { "Rpc-First": String(this.#acknowledged + 1) }, body: lines.join("\n") };
  }

  /** Drops what the server has taken in. Returns whether that can be. */
  acknowledge(number: number): boolean {
    if (!(number <= this.last)) return false;
    while (this.#acknowledged < number) {
      this.length -= this.#waiting.shift()!.length;
      this.#acknowledged++;
    }
    return true;
  }
}
