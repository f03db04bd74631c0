/** What the generator says of services. */

/** A service by its version. */
export interface ServiceVersion {
  readonly name: string;
  readonly version?: string;
  /** The same for the same names and types, at either end. */
  readonly hash: string;
  /** All names of its methods. */
  readonly methods: readonly string[];
}

/** The services of both ends: `services` of a module that the generator made. */
export interface Services {
  /** What this end serves. */
  readonly serves: { readonly [name: string]: ServiceVersion };
  /** What this end calls. */
  readonly calls: { readonly [name: string]: ServiceVersion };
}

/** What the other end offers of a service: with other types if the hash differs. */
export interface ServiceOffer {
  readonly name: string;
  readonly version?: string | undefined;
  readonly hash: string;
}

/** The longest list of services in a hello, as JSON text, and the most services in it. */
const LONGEST = 2_048;
const MOST = 64;

/** Whether a value is a list of offers that a hello may have. @internal */
export function isList(value: unknown): value is ServiceOffer[] {
  if (!Array.isArray(value) || value.length > MOST || JSON.stringify(value).length > LONGEST) return false;
  return value.every((offer: { [name: string]: unknown } | null) => {
    const { name, version = "", hash } = offer ?? {};
    return [name, version, hash].every((text) => typeof text === "string");
  });
}
