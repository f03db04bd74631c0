// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  end: "client",
  services: [
    {
      name: "Reference",
      digest: "7107e475ccfc8fc42b3e5c0536129df1",
      methods: [
        {
          name: "add",
          call: { kind: "request", result: { format: "int64", type: "integer" } },
          params: [
            { kind: "value", name: "a", schema: { format: "int64", type: "integer" } },
            { kind: "value", name: "b", schema: { format: "int64", type: "integer" } },
          ],
        },
        {
          name: "greet",
          call: { kind: "request", result: { type: "string" } },
          params: [{ kind: "value", name: "first_name", schema: { type: "string" } }],
        },
        {
          name: "count",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
          params: [
            { kind: "value", name: "key", schema: { type: "string" } },
            {
              kind: "value",
              name: "from",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        { name: "offers", call: { kind: "request", result: { type: "string" } } },
        {
          name: "forget",
          call: { kind: "request", result: { type: "boolean" } },
          params: [{ kind: "value", name: "key", schema: { type: "string" } }],
        },
      ],
      separator: ".",
      servedBy: "server",
      version: "1.0",
    },
    {
      name: "Caller",
      digest: "9353d9afded7054d29a991bcb67fc8a2",
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
            {
              kind: "value",
              name: "by",
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
      ],
      separator: ".",
      servedBy: "client",
      version: "1.0",
    },
  ],
};
