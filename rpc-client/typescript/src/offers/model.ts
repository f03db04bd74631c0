/** A model of what both ends offer, with the JSON Schemas of all types. */

import type { Provided } from "../websocket.js";

/** The services of both ends with all their types: `model` of a module that the generator made. */
export interface Model {
  /** The end that has the model. */
  readonly end: "server" | "client";
  readonly services: readonly ServiceModel[];
  /** The schemas of types with names. */
  readonly definitions?: { readonly [name: string]: unknown };
}

export interface ServiceModel {
  readonly name: string;
  readonly namespace?: string;
  readonly separator: string;
  readonly version?: string;
  readonly servedBy: "server" | "client";
  readonly digest: string;
  readonly methods: readonly MethodModel[];
}

export interface MethodModel {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly call: CallModel;
  readonly params?: readonly ParamModel[];
  readonly errors?: readonly ErrorModel[];
  readonly progress?: unknown;
  readonly unstable?: boolean;
  readonly optional?: boolean;
  readonly idempotent?: boolean;
  readonly allowUnknown?: boolean;
  /** What says how to call it. */
  readonly [more: string]: unknown;
}

/** Whether the caller waits, and for what. */
export interface CallModel {
  readonly kind: string;
  readonly result?: unknown;
  readonly item?: string;
  readonly unsubscribe?: string;
  readonly ids?: string;
  readonly idMember?: string;
  readonly selector?: string;
  readonly items?: { readonly schema: unknown; readonly errors?: readonly ErrorModel[] };
}

export interface ParamModel {
  readonly name: string;
  readonly kind: string;
  readonly schema: unknown;
  readonly optional?: boolean;
  readonly default?: unknown;
  readonly errors?: readonly ErrorModel[];
}

export interface ErrorModel {
  readonly code: number;
  readonly name: string;
  readonly data?: unknown;
}

/** Returns a value, or what the function gives. @internal */
export async function provided<T extends object>(value: Provided<T>): Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}

/** Returns the model without unstable methods. @internal */
export function stable(model: Model): Model {
  const services = model.services.map((service) => ({
    ...service,
    methods: service.methods.filter(({ unstable }) => !unstable),
  }));
  return { ...model, services };
}

/** Returns the name by which a hello tells of a service. @internal */
export function offeredName({ name, namespace = name }: ServiceModel): string {
  return namespace;
}
