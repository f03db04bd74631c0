/** Server-sent events out of text that comes in pieces (the living standard of HTML, section 9.2). */

/** An event. A message has a number, an event of another kind has a name. @internal */
export interface Event {
  readonly name: string;
  readonly id: number | undefined;
  readonly data: string;
}

/** Reads the events of a stream. @internal */
export class Events {
  readonly #event: (event: Event) => void;
  /** The beginning of a line whose end has not come. */
  #rest = "";
  #name = "";
  #id: number | undefined;
  #data: string[] = [];

  constructor(event: (event: Event) => void) {
    this.#event = event;
  }

  push(text: string): void {
    const all = this.#rest + text;
    // A carriage return at the end may be the first half of the end of a line.
    const end = Math.max(all.lastIndexOf("\n"), all.lastIndexOf("\r", all.length - 2)) + 1;
    this.#rest = all.slice(end);
    const lines = all.slice(0, end).split(/\r\n|\r|\n/);
    lines.pop();
    lines.forEach((line) => this.#line(line));
  }

  #line(line: string): void {
    if (!line) return this.#end();
    const [, field, value] = /^([^:]*):? ?([^]*)$/.exec(line)!;
    if (field === "data") this.#data.push(value!);
    else if (field === "event") this.#name = value!;
    else if (field === "id" && /^\d+$/.test(value!)) this.#id = +value!;
  }

  #end(): void {
    const event = { name: this.#name, id: this.#id, data: this.#data.join("\n") };
    this.#name = "";
    this.#id = undefined;
    this.#data = [];
    if (event.data || event.name) this.#event(event);
  }
}
