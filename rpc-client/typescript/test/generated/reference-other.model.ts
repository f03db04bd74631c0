// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  end: "client",
  services: [
    {
      name: "Reference",
      digest: "ef8a5e41510f7dc53b3a225bd18fb46b",
      methods: [
        {
          name: "add",
          call: { kind: "request", result: { format: "int64", type: "integer" } },
          params: [
            { kind: "value", name: "a", schema: { format: "int64", type: "integer" } },
            { kind: "value", name: "b", schema: { format: "int64", type: "integer" } },
          ],
        },
        { name: "offers", call: { kind: "request", result: { type: "string" } } },
      ],
      separator: ".",
      servedBy: "server",
      version: "1.2",
    },
    {
      name: "Caller",
      digest: "820619ba75547dfade4feddffe1d938d",
      methods: [
        {
          name: "bounce",
          call: { kind: "request", result: { format: "uint32", minimum: 0, type: "integer" } },
          params: [
            {
              kind: "value",
              name: "depth",
              schema: { format: "uint32", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "tick",
          call: { kind: "notification" },
          params: [
            { kind: "value", name: "n", schema: { format: "uint32", minimum: 0, type: "integer" } },
          ],
        },
        {
          name: "message",
          call: { kind: "notification" },
          params: [
            { kind: "value", name: "group", schema: { type: "string" } },
            { kind: "value", name: "value", schema: true },
          ],
        },
        {
          name: "answer",
          call: { kind: "request", result: true },
          params: [{ kind: "value", name: "question", schema: { type: "string" } }],
        },
        {
          name: "ask",
          call: { kind: "request", result: { type: "boolean" } },
          params: [{ kind: "value", name: "question", schema: { type: "string" } }],
        },
      ],
      separator: ".",
      servedBy: "client",
      version: "1.2",
    },
  ],
};
