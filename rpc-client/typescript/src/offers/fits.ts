/** Whether each value that one schema allows is a value that another schema allows. */

import { arrayMisfit, objectMisfit } from "./fits-parts.js";
import { alternativesOf, scalarMisfit } from "./fits-scalar.js";
import { first, get, kind, misfit, rules, type Compare, type Misfit, type Schema } from "./schema.js";

/** The most schemas inside of each other. A model may come from another end, and may be made to harm. */
const DEPTH = 128;

/** The most schemas that are compared with each other. */
const STEPS = 100_000;

/** The most references behind each other. */
const HOPS = 32;

const DEFINITIONS = "#/definitions/";

/** Returns the first reason why a value of `written` may not fit `read`, if there is one. */
export function fits(written: Schema, read: Schema): string | undefined {
  let depth = 0;
  let steps = 0;
  /** Pairs of definitions that are being compared: one that comes again inside of itself fits if the rest does. */
  const open = new Set<string>();

  const compare: Compare = (written, read) => {
    if (depth === DEPTH || ++steps > STEPS) return misfit("the schemas are too complex to be compared");
    depth++;
    const found = named(written, read);
    depth--;
    return found;
  };

  const named: Compare = (written, read) => {
    const names = [get(written, "$ref"), get(read, "$ref")];
    const pair = names.every((name) => typeof name === "string") ? JSON.stringify(names) : undefined;
    if (pair !== undefined && open.has(pair)) return undefined;
    if (pair !== undefined) open.add(pair);
    const found = resolvedMisfit(resolved(written), resolved(read));
    if (pair !== undefined) open.delete(pair);
    return found;
  };

  const resolvedMisfit: Compare = (written, read) => {
    if (rules(read).length === 0 && read.of !== false) return undefined; // everything is read
    const come = alternatives(written);
    if (come) return first(come, (one) => compare(one, read));
    const allowed = alternatives(read);
    if (allowed) return anyMisfit(written, allowed);
    const all = get(read, "allOf");
    if (Array.isArray(all) && hasOnly(read, "allOf")) return first(all, (of) => compare(written, { ...read, of }));
    if (rules(written).length === 0) return misfit(`anything may come, and only ${kind(read)} is read`);
    return scalarMisfit(written, read) ?? objectMisfit(compare, written, read) ?? arrayMisfit(compare, written, read);
  };

  /** Returns nothing if a value fits any alternative, or the reason of the likeliest one. */
  const anyMisfit = (written: Schema, allowed: readonly Schema[]): Misfit | undefined => {
    // A type such as `["string", "null"]` is read part by part.
    const parts = alternativesOf(written);
    if (parts) return first(parts, (of) => anyMisfit({ ...written, of }, allowed));
    const reasons: Misfit[] = [];
    for (const one of allowed) {
      const found = compare(written, one);
      if (!found) return undefined;
      reasons.push(found);
    }
    if (reasons.length === 1) return reasons[0];
    return (
      reasons.find(({ path }) => path !== "") ?? misfit(`${kind(written)} comes, and none of the alternatives fits`)
    );
  };

  const found = compare(written, read);
  return found && `${found.path}: ${found.why}`;
}

/** Returns the schema behind references, and behind an `allOf` of one. */
function resolved(schema: Schema): Schema {
  for (let hop = 0; hop < HOPS; hop++) {
    const behind = inner(schema);
    if (behind === undefined) break;
    schema = { ...schema, of: behind };
  }
  return schema;
}

function inner(schema: Schema): unknown {
  const name = get(schema, "$ref");
  if (typeof name === "string" && name.startsWith(DEFINITIONS)) {
    const definition = get({ ...schema, of: schema.model.definitions }, name.slice(DEFINITIONS.length));
    if (definition !== undefined) return definition;
  }
  const all = get(schema, "allOf");
  return Array.isArray(all) && all.length === 1 && hasOnly(schema, "allOf") ? all[0] : undefined;
}

/** Whether a schema says nothing but this, apart from annotations. */
function hasOnly(schema: Schema, name: string): boolean {
  return rules(schema).every(([known]) => known === name);
}

/** Returns the alternatives of a schema that says nothing else. */
function alternatives(schema: Schema): Schema[] | undefined {
  const name = ["anyOf", "oneOf"].find((name) => hasOnly(schema, name));
  const schemas = name && get(schema, name);
  return Array.isArray(schemas) ? schemas.map((of) => ({ ...schema, of: of as unknown })) : undefined;
}
