/** Members of objects, and items of arrays. */

import { count, first, get, misfit, under, type Compare, type Misfit, type Schema } from "./schema.js";

/** Returns the first reason why an object may not fit. */
export function objectMisfit(compare: Compare, written: Schema, read: Schema): Misfit | undefined {
  if (!mayBe(written, "object")) return undefined;
  const at = (schema: Schema, of: unknown): Schema => ({ ...schema, of });
  const [come, known] = [members(written), members(read)];
  const missing = required(read).find((name) => !required(written).includes(name));
  if (missing !== undefined) {
    const how = come.has(missing) ? "may be missing" : "is missing";
    return misfit(`the member \`${missing}\` ${how}, and is required`);
  }
  const others = get(read, "additionalProperties");
  for (const [name, member] of come) {
    const rule = known.get(name) ?? others;
    if (rule === undefined) continue;
    if (rule === false) return misfit(`the member \`${name}\` is unknown, and refused`);
    const found = under(`.${name}`, compare(at(written, member), at(read, rule)));
    if (found) return found;
  }
  if (others === undefined || others === true) return undefined;
  const more = get(written, "additionalProperties");
  if (more === false) return undefined;
  if (more !== undefined && others !== false) return under(".*", compare(at(written, more), at(read, others)));
  // A type whose members are listed writes no others.
  if (more === undefined && isObject(get(written, "properties"))) return undefined;
  return misfit("members of any name may come, and are refused");
}

/** Returns the first reason why an array may not fit. */
export function arrayMisfit(compare: Compare, written: Schema, read: Schema): Misfit | undefined {
  if (!mayBe(written, "array")) return undefined;
  const least = count(read, "minItems") ?? 0;
  if ((count(written, "minItems") ?? 0) < least) return misfit(`fewer than ${least} items may come`);
  const most = count(read, "maxItems");
  if (most !== undefined && (count(written, "maxItems") ?? Infinity) > most) {
    return misfit(`more than ${most} items may come`);
  }
  const isSet = (schema: Schema): boolean => get(schema, "uniqueItems") === true;
  if (isSet(read) && !isSet(written)) return misfit("an item may come twice");
  const come = get(written, "items");
  const rule = get(read, "items");
  if (rule === undefined) return undefined;
  const item = (of: unknown, rule: unknown, step: string): Misfit | undefined =>
    under(step, compare({ ...written, of }, { ...read, of: rule }));
  if (Array.isArray(come)) {
    const rules = Array.isArray(rule) ? rule : undefined;
    const compared = rules ? come.slice(0, rules.length) : come;
    return first(compared, (of, at) => item(of, rules ? rules[at] : rule, `[${at}]`));
  }
  if (come !== undefined && Array.isArray(rule)) return first(rule, (rule, at) => item(come, rule, `[${at}]`));
  return item(come ?? true, rule, "[]");
}

function mayBe(schema: Schema, name: string): boolean {
  const type = get(schema, "type");
  if (typeof type === "string") return type === name;
  if (Array.isArray(type)) return type.includes(name);
  return get(schema, "const") === undefined && get(schema, "enum") === undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function members(schema: Schema): Map<string, unknown> {
  const properties = get(schema, "properties");
  return new Map(isObject(properties) ? Object.entries(properties) : []);
}

function required(schema: Schema): string[] {
  const names = get(schema, "required");
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}
