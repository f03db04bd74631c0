/** Types, numbers, texts and single values. */

import { count, get, isSame, kind, misfit, rules, words, type Misfit, type Schema } from "./schema.js";

/** The members that are compared. */
const KNOWN = /* @__PURE__ */ words(
  "$ref type enum const format minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength pattern " +
    "contentEncoding items additionalItems minItems maxItems uniqueItems properties required additionalProperties allOf",
);

/** Returns a schema for each type, or for each value, if the schema lists several. */
export function alternativesOf(schema: Schema): unknown[] | undefined {
  const values = get(schema, "enum");
  if (Array.isArray(values))
    return values.length > 1 ? values.map((value) => ({ const: value as unknown })) : undefined;
  const types = get(schema, "type");
  if (!Array.isArray(types) || types.length < 2) return undefined;
  return types.map((type) => ({ ...(schema.of as object), type: type as unknown }));
}

/** Returns the first reason why a value may not fit, apart from what is in it. */
export function scalarMisfit(written: Schema, read: Schema): Misfit | undefined {
  const allowed = values(read);
  if (allowed) {
    const come = values(written);
    if (!come) return misfit(`${kind(written)} comes, and only ${kind(read)} is read`);
    const other = come.findIndex((value) => !allowed.some((one) => isSame(one, value)));
    return other < 0 ? undefined : misfit(`\`${JSON.stringify(come[other])}\` comes, and only ${kind(read)} is read`);
  }
  const come = types(written);
  const readTypes = types(read);
  if (readTypes) {
    if (!come) return misfit(`any type may come, and only ${kind(read)} is read`);
    const isRead = (type: string): boolean =>
      readTypes.includes(type) || (type === "integer" && readTypes.includes("number"));
    const other = come.find((type) => !isRead(type));
    if (other !== undefined) return misfit(`\`${other}\` may come, and only ${kind(read)} is read`);
  }
  const mayBe = (...names: string[]): boolean => !come || names.some((name) => come.includes(name));
  return (
    (mayBe("integer", "number") ? numberMisfit(written, read) : undefined) ??
    (mayBe("string") ? textMisfit(written, read) : undefined) ??
    incomparable(written, read)
  );
}

/** Returns the values that a schema lists. */
function values(schema: Schema): unknown[] | undefined {
  const value = get(schema, "const");
  if (value !== undefined) return [value];
  const values = get(schema, "enum");
  return Array.isArray(values) ? values : undefined;
}

/** Returns the types of values, if the schema tells them. */
function types(schema: Schema): string[] | undefined {
  const listed = values(schema);
  if (listed) return listed.map(typeOf);
  const type = get(schema, "type");
  const all: unknown[] = Array.isArray(type) ? type : [type];
  return all.every((one) => typeof one === "string") ? all : undefined;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value;
}

/** Returns the least and the greatest value. */
function range(schema: Schema): [least: number, greatest: number] {
  const [, sign, bits] = /^(u?)int(\d*)$/.exec(String(get(schema, "format"))) ?? [];
  const width = Number(bits || 64);
  let least = -Infinity;
  let greatest = Infinity;
  if (bits !== undefined && [8, 16, 32, 64, 128].includes(width)) {
    // As a number holds it: of long integers the greatest is rounded.
    least = sign ? 0 : -(2 ** (width - 1));
    greatest = 2 ** (sign ? width : width - 1) - (width < 64 ? 1 : 0);
  }
  const bounds = (...names: string[]): number[] =>
    names.map((name) => get(schema, name)).filter((bound) => typeof bound === "number");
  const value = (values(schema) ?? []).slice(0, 1).filter((value) => typeof value === "number");
  return [
    Math.max(least, ...bounds("minimum", "exclusiveMinimum"), ...value),
    Math.min(greatest, ...bounds("maximum", "exclusiveMaximum"), ...value),
  ];
}

function numberMisfit(written: Schema, read: Schema): Misfit | undefined {
  const [least, greatest] = range(written);
  const [lowest, highest] = range(read);
  if (least < lowest) return misfit(`less than ${digits(lowest)} may come, which is not read`);
  if (greatest > highest) return misfit(`more than ${digits(highest)} may come, which is not read`);
  return undefined;
}

/** Returns a number without an exponent. */
function digits(value: number): string {
  const [mantissa, exponent] = String(value).split("e+");
  if (exponent === undefined) return mantissa!;
  const [whole, fraction = ""] = mantissa!.split(".");
  return whole + fraction.padEnd(Number(exponent), "0");
}

function textMisfit(written: Schema, read: Schema): Misfit | undefined {
  const isText = types(read)?.includes("string") ?? true;
  for (const name of ["format", "pattern", "contentEncoding"]) {
    const rule = get(read, name);
    if (rule !== undefined && isText && !isSame(get(written, name), rule)) {
      return misfit(`other texts than those of the \`${name}\` ${JSON.stringify(rule)} may come`);
    }
  }
  const least = count(read, "minLength") ?? 0;
  if ((count(written, "minLength") ?? 0) < least) return misfit(`a text of less than ${least} characters may come`);
  const most = count(read, "maxLength");
  if (most === undefined || (count(written, "maxLength") ?? Infinity) <= most) return undefined;
  return misfit(`a text of more than ${most} characters may come`);
}

/** Returns a misfit if the reader has a rule that is not compared anywhere, unless the writer has the same. */
function incomparable(written: Schema, read: Schema): Misfit | undefined {
  const differs = ([name, rule]: [string, unknown]): boolean =>
    !KNOWN.includes(name) && !isSame(get(written, name), rule);
  const found = rules(read).find(differs);
  return found && misfit(`the rule \`${found[0]}\` differs, and cannot be compared`);
}
