// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  end: "client",
  definitions: {
    ChangeOfMapOfUint64: {
      oneOf: [
        {
          additionalProperties: false,
          properties: {
            value: {
              additionalProperties: { format: "uint64", minimum: 0, type: "integer" },
              type: "object",
            },
          },
          required: ["value"],
          type: "object",
        },
        {
          additionalProperties: false,
          properties: { patch: { $ref: "#/definitions/JsonPatch" } },
          required: ["patch"],
          type: "object",
        },
      ],
    },
    JsonPatch: {
      items: {
        properties: {
          from: { type: "string" },
          op: { enum: ["add", "remove", "replace", "move", "copy", "test"] },
          path: { type: "string" },
          value: true,
        },
        required: ["op", "path"],
        type: "object",
      },
      type: "array",
    },
    Reply: {
      properties: { id: { type: "string" }, result: true },
      required: ["id", "result"],
      type: "object",
    },
    Stats: {
      properties: {
        closes: {
          additionalProperties: { format: "uint64", minimum: 0, type: "integer" },
          type: "object",
        },
        connections: { format: "uint", minimum: 0, type: "integer" },
        groups: { format: "uint", minimum: 0, type: "integer" },
        in_flight: { format: "uint", minimum: 0, type: "integer" },
        pending: { format: "uint", minimum: 0, type: "integer" },
        queue_bytes: { format: "uint", minimum: 0, type: "integer" },
        stray: { format: "uint64", minimum: 0, type: "integer" },
        subscriptions: { format: "uint", minimum: 0, type: "integer" },
        tasks: { format: "uint", minimum: 0, type: "integer" },
      },
      required: [
        "connections",
        "in_flight",
        "pending",
        "subscriptions",
        "groups",
        "queue_bytes",
        "tasks",
        "stray",
        "closes",
      ],
      type: "object",
    },
    Step: {
      properties: {
        of: { format: "uint32", minimum: 0, type: "integer" },
        step: { format: "uint32", minimum: 0, type: "integer" },
      },
      required: ["step", "of"],
      type: "object",
    },
    Uploaded: {
      properties: {
        bytes: { format: "uint64", minimum: 0, type: "integer" },
        hash: { format: "uint32", minimum: 0, type: "integer" },
      },
      required: ["bytes", "hash"],
      type: "object",
    },
    Whoami: {
      properties: { id: { type: "string" }, remote: { type: "string" } },
      required: ["id", "remote"],
      type: "object",
    },
  },
  services: [
    {
      name: "Reference",
      digest: "a6eb48e4e5afe35b03da5d414436cf67",
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
          name: "echo",
          call: { kind: "request", result: true },
          params: [{ kind: "value", name: "value", schema: true }],
        },
        {
          name: "greet",
          call: { kind: "request", result: { type: "string" } },
          params: [
            { kind: "value", name: "name", schema: { type: "string" } },
            {
              kind: "value",
              name: "greeting",
              optional: true,
              schema: { type: ["string", "null"] },
            },
          ],
        },
        {
          name: "sleep",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
          params: [
            {
              kind: "value",
              name: "ms",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "slept",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
        },
        {
          name: "fail",
          call: { kind: "request", result: { type: "null" } },
          params: [
            { kind: "value", name: "code", schema: { format: "int64", type: "integer" } },
            { kind: "value", name: "message", schema: { type: "string" } },
            { kind: "value", name: "data", optional: true, schema: true },
          ],
        },
        {
          name: "typed_fail",
          call: { kind: "request", result: { type: "null" } },
          errors: [
            {
              name: "Full",
              code: 1001,
              data: {
                properties: { max: { format: "uint32", minimum: 0, type: "integer" } },
                required: ["max"],
                type: "object",
              },
            },
          ],
          params: [
            {
              kind: "value",
              name: "max",
              schema: { format: "uint32", minimum: 0, type: "integer" },
            },
          ],
        },
        { name: "panic", call: { kind: "request", result: { type: "null" } } },
        {
          name: "big",
          call: { kind: "request", result: { type: "string" } },
          params: [
            {
              kind: "value",
              name: "bytes",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "note",
          call: { kind: "notification" },
          params: [{ kind: "value", name: "text", schema: { type: "string" } }],
        },
        {
          name: "notes",
          call: { kind: "request", result: { items: { type: "string" }, type: "array" } },
        },
        {
          name: "incr",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
          errors: [
            {
              name: "Name",
              code: 1002,
              data: {
                properties: { max: { format: "uint", minimum: 0, type: "integer" } },
                required: ["max"],
                type: "object",
              },
            },
            {
              name: "More",
              code: 1003,
              data: {
                properties: { max: { format: "uint", minimum: 0, type: "integer" } },
                required: ["max"],
                type: "object",
              },
            },
            { name: "Ended", code: 1004 },
          ],
          params: [{ kind: "value", name: "key", schema: { type: "string" } }],
        },
        {
          name: "count",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
          params: [{ kind: "value", name: "key", schema: { type: "string" } }],
        },
        {
          name: "counters",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "counters",
            items: { schema: { $ref: "#/definitions/ChangeOfMapOfUint64" } },
            unsubscribe: "unsubscribe_counters",
          },
        },
        {
          name: "announce",
          call: { kind: "request", result: { format: "uint", minimum: 0, type: "integer" } },
          params: [{ kind: "value", name: "value", schema: true }],
        },
        {
          name: "news",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "news",
            items: { schema: true },
            unsubscribe: "unsubscribe_news",
          },
        },
        {
          name: "watch",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "watch",
            items: { schema: true },
            unsubscribe: "unsubscribe_watch",
          },
          params: [
            { kind: "value", name: "method", schema: { type: "string" } },
            {
              kind: "value",
              name: "interval_ms",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "relay",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "relay",
            items: { schema: true },
            unsubscribe: "unsubscribe_relay",
          },
          params: [{ kind: "value", name: "method", schema: { type: "string" } }],
        },
        {
          name: "mute",
          call: { kind: "request", result: { type: "null" } },
          params: [
            { kind: "value", name: "method", schema: { type: "string" } },
            { kind: "value", name: "muted", schema: { type: "boolean" } },
          ],
        },
        {
          name: "skipped",
          call: { kind: "request", result: { format: "uint64", minimum: 0, type: "integer" } },
        },
        { name: "whoami", call: { kind: "request", result: { $ref: "#/definitions/Whoami" } } },
        { name: "offers", call: { kind: "request", result: { type: "string" } } },
        {
          name: "call_back",
          call: { kind: "request", result: true },
          params: [
            { kind: "value", name: "method", schema: { type: "string" } },
            { kind: "value", name: "params", optional: true, schema: true },
          ],
        },
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
          name: "push",
          call: { kind: "request", result: { format: "uint32", minimum: 0, type: "integer" } },
          params: [
            { kind: "value", name: "n", schema: { format: "uint32", minimum: 0, type: "integer" } },
          ],
        },
        {
          name: "join",
          call: { kind: "request", result: { type: "null" } },
          errors: [
            {
              name: "Name",
              code: 1002,
              data: {
                properties: { max: { format: "uint", minimum: 0, type: "integer" } },
                required: ["max"],
                type: "object",
              },
            },
            {
              name: "More",
              code: 1003,
              data: {
                properties: { max: { format: "uint", minimum: 0, type: "integer" } },
                required: ["max"],
                type: "object",
              },
            },
            { name: "Ended", code: 1004 },
          ],
          params: [{ kind: "value", name: "group", schema: { type: "string" } }],
        },
        {
          name: "leave",
          call: { kind: "request", result: { type: "null" } },
          params: [{ kind: "value", name: "group", schema: { type: "string" } }],
        },
        {
          name: "members",
          call: { kind: "request", result: { items: { type: "string" }, type: "array" } },
          params: [{ kind: "value", name: "group", schema: { type: "string" } }],
        },
        {
          name: "publish",
          call: { kind: "request", result: { format: "uint", minimum: 0, type: "integer" } },
          params: [
            { kind: "value", name: "group", schema: { type: "string" } },
            { kind: "value", name: "value", schema: true },
          ],
        },
        {
          name: "ask",
          call: {
            kind: "request",
            result: { items: { $ref: "#/definitions/Reply" }, type: "array" },
          },
          params: [
            { kind: "value", name: "group", schema: { type: "string" } },
            { kind: "value", name: "question", schema: { type: "string" } },
            {
              kind: "value",
              name: "ms",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "build",
          call: { kind: "request", result: { type: "string" } },
          params: [
            {
              kind: "value",
              name: "steps",
              schema: { format: "uint32", minimum: 0, type: "integer" },
            },
          ],
          progress: { $ref: "#/definitions/Step" },
        },
        {
          name: "ticks",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "ticks",
            items: { schema: { format: "uint64", minimum: 0, type: "integer" } },
            unsubscribe: "unsubscribe_ticks",
          },
          params: [
            {
              kind: "value",
              name: "count",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
            {
              kind: "value",
              name: "every_ms",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "bytes",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "bytes",
            items: { schema: { contentEncoding: "base64", type: "string" } },
            unsubscribe: "unsubscribe_bytes",
          },
          params: [
            {
              kind: "value",
              name: "size",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
            {
              kind: "value",
              name: "chunk",
              schema: { format: "uint64", minimum: 0, type: "integer" },
            },
          ],
        },
        {
          name: "sum",
          call: { kind: "request", result: { format: "int64", type: "integer" } },
          params: [
            { kind: "stream", name: "values", schema: { format: "int64", type: "integer" } },
          ],
        },
        {
          name: "upload",
          call: { kind: "request", result: { $ref: "#/definitions/Uploaded" } },
          params: [
            { kind: "stream", name: "file", schema: { contentEncoding: "base64", type: "string" } },
          ],
          progress: { format: "uint64", minimum: 0, type: "integer" },
        },
        { name: "stats", call: { kind: "request", result: { $ref: "#/definitions/Stats" } } },
      ],
      separator: ".",
      servedBy: "server",
      version: "1.1",
    },
    {
      name: "Caller",
      digest: "9cad4bec44670bf35d2bf4676d54894f",
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
      ],
      separator: ".",
      servedBy: "client",
      version: "1.1",
    },
  ],
};
