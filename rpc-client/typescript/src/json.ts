/** How texts become values and values become texts. */

/** Reads and writes JSON, as the global `JSON` does. */
export interface Json {
  parse(text: string): unknown;
  stringify(value: unknown): string | undefined;
}
