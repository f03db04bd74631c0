/** Bytes as base64 text, in values that are written as JSON. */

/** Returns a value in which each part is what `put` makes of it. It is the same if all its parts are. @internal */
export function mapped(value: unknown, put: (value: unknown) => unknown): unknown {
  const made = put(value);
  if (made !== value || Object(value) !== value) return made;
  const isArray = Array.isArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of a class writes itself.
  if (!isArray && prototype !== Object.prototype && prototype !== null) return value;
  let copy = value as { [name: string]: unknown };
  for (const [name, before] of Object.entries(copy)) {
    const part = mapped(before, put);
    if (part === before) continue;
    if (copy === value) copy = (isArray ? [...(value as unknown[])] : { ...copy }) as typeof copy;
    copy[name] = part;
  }
  return copy;
}

/** Returns a value with base64 text in the places of its bytes. @internal */
export const withoutBytes = (value: unknown): unknown =>
  mapped(value, (part) => (part instanceof Uint8Array ? toBase64(part) : part));

/** @internal */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
