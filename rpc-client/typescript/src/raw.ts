/**
 * The parts of a JSON text as they were written. `JSON.parse` forgets how a number was spelled and that a member was
 * given twice; an id goes back byte for byte, and the value of an item is measured by its text.
 */

/** The name and the text of a member of an object; an element of an array has no name. */
export type Part = [name: string, text: string];

/** A string: read from where it begins. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;

/** Returns the parts of an object or an array, which is valid JSON. Anything else has none. */
export function parts(json: string): Part[] {
  const found: Part[] = [];
  let depth = 0;
  let start = 0;
  let name = "";
  const take = (end: number): void => {
    const text = json.slice(start, end).trim();
    if (text) found.push([name, text]);
    start = end + 1;
  };
  for (let at = 0; at < json.length; at++) {
    const sign = json[at]!;
    if (sign === '"') {
      STRING.lastIndex = at;
      STRING.test(json);
      at = STRING.lastIndex - 1;
    } else if (sign === "[" || sign === "{") {
      if (++depth === 1) start = at + 1;
    } else if (sign === "]" || sign === "}") {
      if (--depth === 0) take(at);
    } else if (depth === 1) {
      if (sign === ",") take(at);
      if (sign === ":") {
        name = JSON.parse(json.slice(start, at)) as string;
        start = at + 1;
      }
    }
  }
  return found;
}

/** Returns the text of a member of a member. */
export function member(json: string, ...path: string[]): string | undefined {
  let text: string | undefined = json;
  for (const step of path) text = text && new Map(parts(text)).get(step);
  return text;
}

/** Returns how many bytes a text has as UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Each half of a pair counts 2, and the pair has 4.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return bytes;
}
