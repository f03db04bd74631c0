/** What a caller calls, against what the other end offers. */

import type { Change } from "./comparison.js";
import { fits } from "./fits.js";
import type { ErrorModel, MethodModel, Model, ParamModel, ServiceModel } from "./model.js";
import { isSame } from "./schema.js";

/** A difference. */
type Found = Omit<Change, "method">;

/** Returns how a service that `own` calls differs from what the other end offers. @internal */
export function compare(own: Model, service: ServiceModel, theirs: Model): Change[] {
  const offered = theirs.services.filter(({ servedBy }) => servedBy === service.servedBy);
  const there = offered.flatMap(({ methods }) => methods);
  return service.methods.flatMap((called) =>
    methodChanges(own, called, theirs, there).map((found) => ({ method: called.name, ...found })),
  );
}

function methodChanges(own: Model, called: MethodModel, theirs: Model, offered: readonly MethodModel[]): Found[] {
  const find = (name: string): MethodModel | undefined =>
    offered.find(
      (method) =>
        method.call.selector === called.call.selector && (method.name === name || method.aliases?.includes(name)),
    );
  const there = find(called.name);
  if (!there) return [{ breaks: !called.optional && !called.unstable, text: "the other end has no such method" }];

  const found: Found[] = [];
  const breaking = (text: string): void => void found.push({ breaks: true, text });
  const note = (text: string): void => void found.push({ breaks: false, text });
  const misfits = (what: string, written: [Model, unknown], read: [Model, unknown]): void => {
    const why = fits({ model: written[0], of: written[1] }, { model: read[0], of: read[1] });
    if (why !== undefined) breaking(what + why);
  };
  /** Compares what the caller writes with what the other end reads. */
  const sent = (what: string, written: unknown, read: unknown): void => misfits(what, [own, written], [theirs, read]);
  /** Compares what the other end writes with what the caller reads. */
  const answer = (what: string, written: unknown, read: unknown): void => misfits(what, [theirs, written], [own, read]);

  for (const alias of called.aliases ?? []) {
    if (!find(alias)) breaking(`the other end does not know its alias \`${alias}\``);
  }
  params();
  call();
  errors("", called.errors, there.errors, answer);
  if (called.progress !== undefined && there.progress === undefined) note("no progress is reported");
  else if (called.progress !== undefined) answer("a report of progress", there.progress, called.progress);
  if (called.idempotent && !there.idempotent) {
    breaking("the caller repeats it when its fate is unknown, and it is not idempotent");
  }
  // Its caller has asked for what may change.
  if (called.unstable) return found.map(({ text }) => ({ breaks: false, text }));
  if (there.unstable) breaking("only who asks for unstable methods is served");
  return found;

  function params(): void {
    const [come, known] = [called.params ?? [], there!.params ?? []];
    const isAll = (params: readonly ParamModel[]): boolean => params[0]!.kind === "all";
    if (come.length === 1 && known.length === 1 && (isAll(come) || isAll(known))) {
      if (isAll(come) && isAll(known)) sent("the params", come[0]!.schema, known[0]!.schema);
      else breaking("the params are one object at one end, and a list at the other");
      return;
    }
    const has = (params: readonly ParamModel[], name: string): boolean => params.some((param) => param.name === name);
    for (const [at, { name, optional }] of come.entries()) {
      const place = known.findIndex((param) => param.name === name);
      if (place >= 0) {
        if (place !== at) breaking(`the param \`${name}\` is at position ${place + 1}, and is sent at ${at + 1}`);
        param(come[at]!, known[place]!);
        continue;
      }
      const other = known[at];
      if (other && !has(come, other.name)) {
        breaking(`the param \`${name}\` is named \`${other.name}\`: who sends it by name is refused`);
      } else if (there!.allowUnknown) note(`the param \`${name}\` is ignored`);
      else if (optional) note(`the param \`${name}\` is refused if it is sent`);
      else breaking(`the param \`${name}\` is unknown, and refused`);
    }
    for (const [at, { name, optional }] of known.entries()) {
      // That it stands where the caller sends one of another name was told already.
      const isRenamed = come[at] !== undefined && !has(known, come[at].name);
      if (!has(come, name) && !optional && !isRenamed) {
        breaking(`the param \`${name}\` is required, and is not sent`);
      }
    }
  }

  function param(come: ParamModel, known: ParamModel): void {
    const { name } = come;
    const isStream = come.kind === "stream";
    if (isStream !== (known.kind === "stream")) {
      return breaking(`the param \`${name}\` is ${isStream ? "a value" : "a stream"} at the other end`);
    }
    if (come.optional && !known.optional) {
      breaking(`the param \`${name}\` is required, and may be left out by the caller`);
    }
    if (come.optional && known.optional && !isSame(come.default, known.default)) {
      const [own, other] = [come, known].map((param) => JSON.stringify(param.default ?? null));
      note(`the param \`${name}\` is ${other} where it is left out, and the caller expects ${own}`);
    }
    sent(isStream ? `an item of the stream \`${name}\`` : `the param \`${name}\``, come.schema, known.schema);
    // Who takes the items reads the errors of the stream.
    errors(`the stream \`${name}\`: `, known.errors, come.errors, sent);
  }

  function call(): void {
    const [read, written] = [called.call, there!.call];
    if (read.kind !== written.kind) return breaking(`it is a ${written.kind}, and is called as a ${read.kind}`);
    if (read.kind === "request") answer("the result", written.result, read.result);
    if (read.kind !== "subscription") return;
    const names = { item: "items are notifications", unsubscribe: "it ends by", idMember: "the id is in the member" };
    for (const [name, what] of Object.entries(names) as [keyof typeof names, string][]) {
      if (read[name] !== written[name]) {
        breaking(`${what} \`${written[name]}\`, and the caller knows \`${read[name]}\``);
      }
    }
    if (read.ids !== written.ids) breaking("ids of the stream are of another type");
    answer("an item", written.items!.schema, read.items!.schema);
    errors("the stream: ", read.items!.errors, written.items!.errors, answer);
  }

  /** Compares the errors that one end knows with those that come; `data` compares their data. */
  function errors(
    of: string,
    known: readonly ErrorModel[] = [],
    come: readonly ErrorModel[] = [],
    data: typeof answer,
  ): void {
    for (const error of come) {
      const expected = known.find(({ code }) => code === error.code);
      if (!expected) {
        const same = known.find(({ name }) => name === error.name);
        if (same)
          breaking(`${of}the error \`${error.name}\` has the code ${error.code}, and the caller knows ${same.code}`);
        else note(`${of}the caller does not know the error ${error.code} (\`${error.name}\`)`);
        continue;
      }
      if (expected.name !== error.name) {
        breaking(`${of}the error ${error.code} is \`${error.name}\`, and was \`${expected.name}\``);
      }
      if (expected.data === undefined) continue;
      if (error.data !== undefined) data(`${of}the data of the error ${error.code}`, error.data, expected.data);
      else breaking(`${of}the error ${error.code} has no data, which the caller reads`);
    }
  }
}
