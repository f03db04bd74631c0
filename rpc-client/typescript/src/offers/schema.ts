/** Schemas, as they are compared. */

import type { Model } from "./model.js";

/** Members of a schema that restrict nothing. */
const ANNOTATIONS = /* @__PURE__ */ words(
  "title description default examples deprecated readOnly writeOnly $comment contentMediaType",
);

/** Returns the words of a text. */
export function words(text: string): string[] {
  return text.split(" ");
}

/** A schema with the model that has its definitions. */
export interface Schema {
  readonly model: Model;
  readonly of: unknown;
}

/** Why a value does not fit: a path into the value, and what is wrong there. */
export interface Misfit {
  readonly path: string;
  readonly why: string;
}

/** Compares two schemas inside of the two that are compared. */
export type Compare = (written: Schema, read: Schema) => Misfit | undefined;

export function misfit(why: string): Misfit {
  return { path: "", why };
}

export function under(step: string, found: Misfit | undefined): Misfit | undefined {
  return found && { path: step + found.path, why: found.why };
}

/** Returns a member of a schema. */
export function get({ of }: Schema, name: string): unknown {
  return typeof of === "object" && of !== null && Object.hasOwn(of, name)
    ? (of as { [name: string]: unknown })[name]
    : undefined;
}

/** Returns the members that restrict values. */
export function rules({ of }: Schema): [name: string, rule: unknown][] {
  const members = typeof of === "object" && of !== null && !Array.isArray(of) ? Object.entries(of) : [];
  return members.filter(([name]) => !ANNOTATIONS.includes(name));
}

/** Whether two values of JSON are the same, in whatever order of members. */
export function isSame(one: unknown, other: unknown): boolean {
  return sorted(one) === sorted(other);
}

function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

/** Names what a schema allows, for people. */
export function kind(schema: Schema): string {
  const value = get(schema, "const");
  const values = value === undefined ? get(schema, "enum") : value;
  const type = get(schema, "type");
  const named = (type: unknown): string => `\`${typeof type === "string" ? type : JSON.stringify(type)}\``;
  if (values !== undefined) return `\`${JSON.stringify(values)}\``;
  if (Array.isArray(type)) return type.map(named).join(" or ");
  return type === undefined ? "one of several alternatives" : named(type);
}

/** Returns the first reason that `find` finds. */
export function first<T>(all: readonly T[], find: (one: T, at: number) => Misfit | undefined): Misfit | undefined {
  for (const [at, one] of all.entries()) {
    const found = find(one, at);
    if (found) return found;
  }
  return undefined;
}

/** Returns an integer that is not negative. */
export function count(schema: Schema, name: string): number | undefined {
  const value = get(schema, name);
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
