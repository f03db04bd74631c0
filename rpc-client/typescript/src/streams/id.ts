/** Returns an id that nobody can guess. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An item counts at least so many bytes of credit. */
export const LEAST_ITEM = 64;

/** The credit of a stream at its start, unless its receiver names another one. */
export const WINDOW = 65_536;
