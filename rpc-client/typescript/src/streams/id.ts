/** Returns an id that nobody can guess. */
export function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** An item counts at least so many bytes of credit. */
export const LEAST_ITEM = 64;

/** The credit of a stream at its start, unless its receiver names another one. */
export const WINDOW = 65_536;
