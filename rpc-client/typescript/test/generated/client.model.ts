// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  end: "client",
  definitions: {
    Level: { enum: ["info", "error"], type: "string" },
    Message: {
      oneOf: [
        {
          properties: {
            kind: { const: "text", type: "string" },
            from: { $ref: "#/definitions/User" },
            text: { type: "string" },
          },
          required: ["kind", "from", "text"],
          type: "object",
        },
        {
          properties: {
            kind: { const: "left", type: "string" },
            at: {
              items: [{ format: "int32", type: "integer" }, { format: "int32", type: "integer" }],
              maxItems: 2,
              minItems: 2,
              type: "array",
            },
          },
          required: ["kind", "at"],
          type: "object",
        },
      ],
    },
    PageOfMessage: {
      properties: {
        next: { format: "uint64", minimum: 0, type: ["integer", "null"] },
        rows: { items: { $ref: "#/definitions/Message" }, type: "array" },
      },
      required: ["rows", "next"],
      type: "object",
    },
    PageOfUser: {
      properties: {
        next: { format: "uint64", minimum: 0, type: ["integer", "null"] },
        rows: { items: { $ref: "#/definitions/User" }, type: "array" },
      },
      required: ["rows", "next"],
      type: "object",
    },
    Recipient: {
      oneOf: [
        { enum: ["Everyone"], type: "string" },
        {
          additionalProperties: false,
          properties: { User: { type: "string" } },
          required: ["User"],
          type: "object",
        },
      ],
    },
    SettingsInput: {
      properties: {
        colors: {
          additionalProperties: { format: "uint32", minimum: 0, type: "integer" },
          type: "object",
        },
        loud: { default: false, type: "boolean" },
      },
      required: ["colors"],
      type: "object",
    },
    SettingsOutput: {
      properties: {
        colors: {
          additionalProperties: { format: "uint32", minimum: 0, type: "integer" },
          type: "object",
        },
        loud: { default: false, type: "boolean" },
      },
      required: ["loud", "colors"],
      type: "object",
    },
    SizedBase64: {
      oneOf: [
        { format: "uint64", minimum: 0, type: "integer" },
        { contentEncoding: "base64", type: "string" },
      ],
    },
    User: {
      properties: {
        name: { type: "string" },
        friends: { items: { $ref: "#/definitions/User" }, type: "array" },
      },
      required: ["name", "friends"],
      type: "object",
    },
    User2: {
      properties: { id: { format: "uint64", minimum: 0, type: "integer" } },
      required: ["id"],
      type: "object",
    },
  },
  services: [
    {
      name: "Chat",
      digest: "bd4273e11d0178ba2ad7ff2fb877a42a",
      methods: [
        {
          name: "chat.join",
          aliases: ["enter"],
          call: { kind: "request", result: { $ref: "#/definitions/PageOfUser" } },
          errors: [
            {
              name: "Full",
              code: 1001,
              data: {
                properties: {
                  max: { format: "uint32", minimum: 0, type: "integer" },
                  until: { type: ["string", "null"] },
                },
                required: ["max", "until"],
                type: "object",
              },
            },
            { name: "NoRoom", code: 1002, data: { type: "string" } },
            { name: "NotMember", code: 1003 },
            {
              name: "Taken",
              code: 1004,
              data: {
                items: [
                  { $ref: "#/definitions/User2" },
                  { format: "uint8", maximum: 255, minimum: 0, type: "integer" },
                ],
                maxItems: 2,
                minItems: 2,
                type: "array",
              },
            },
          ],
          idempotent: true,
          params: [
            { kind: "value", name: "room", schema: { type: "string" } },
            {
              kind: "value",
              name: "lang",
              default: "",
              optional: true,
              schema: { type: "string" },
            },
            {
              kind: "value",
              name: "seat",
              optional: true,
              schema: { format: "uint8", maximum: 255, minimum: 0, type: ["integer", "null"] },
            },
          ],
          timeoutMs: 2000,
        },
        {
          name: "chat.say",
          call: { kind: "notification" },
          params: [
            { kind: "value", name: "text", schema: { type: "string" } },
            {
              kind: "value",
              name: "to",
              schema: { items: { $ref: "#/definitions/Recipient" }, type: "array" },
            },
          ],
        },
        {
          name: "chat.listen",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "chat.listen",
            items: {
              errors: [{ name: "FeedError", code: 2001 }],
              schema: { $ref: "#/definitions/Message" },
            },
            unsubscribe: "chat.unsubscribe_listen",
          },
          errors: [
            {
              name: "Full",
              code: 1001,
              data: {
                properties: {
                  max: { format: "uint32", minimum: 0, type: "integer" },
                  until: { type: ["string", "null"] },
                },
                required: ["max", "until"],
                type: "object",
              },
            },
            { name: "NoRoom", code: 1002, data: { type: "string" } },
            { name: "NotMember", code: 1003 },
            {
              name: "Taken",
              code: 1004,
              data: {
                items: [
                  { $ref: "#/definitions/User2" },
                  { format: "uint8", maximum: 255, minimum: 0, type: "integer" },
                ],
                maxItems: 2,
                minItems: 2,
                type: "array",
              },
            },
          ],
          params: [{ kind: "value", name: "room", schema: { type: "string" } }],
        },
        {
          name: "chat.upload",
          call: { kind: "request", result: { contentEncoding: "base64", type: "string" } },
          errors: [
            {
              name: "Full",
              code: 1001,
              data: {
                properties: {
                  max: { format: "uint32", minimum: 0, type: "integer" },
                  until: { type: ["string", "null"] },
                },
                required: ["max", "until"],
                type: "object",
              },
            },
            { name: "NoRoom", code: 1002, data: { type: "string" } },
            { name: "NotMember", code: 1003 },
            {
              name: "Taken",
              code: 1004,
              data: {
                items: [
                  { $ref: "#/definitions/User2" },
                  { format: "uint8", maximum: 255, minimum: 0, type: "integer" },
                ],
                maxItems: 2,
                minItems: 2,
                type: "array",
              },
            },
          ],
          params: [
            { kind: "value", name: "name", schema: { type: "string" } },
            {
              kind: "stream",
              name: "chunks",
              errors: [{ name: "FeedError", code: 2001 }],
              schema: { $ref: "#/definitions/SizedBase64" },
            },
          ],
          progress: { format: "uint64", minimum: 0, type: "integer" },
        },
        {
          name: "chat.configure",
          call: { kind: "request", result: { $ref: "#/definitions/SettingsOutput" } },
          params: [
            { kind: "all", name: "settings", schema: { $ref: "#/definitions/SettingsInput" } },
          ],
        },
        {
          name: "chat.all",
          call: { kind: "request", result: { $ref: "#/definitions/PageOfMessage" } },
        },
      ],
      namespace: "chat",
      separator: ".",
      servedBy: "server",
    },
    {
      name: "Node",
      digest: "e8cdfb4f1590c31bf3bceeccb564373e",
      methods: [
        {
          name: "subscribe",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "numbers",
            item: "item",
            items: { schema: { format: "uint64", minimum: 0, type: "integer" } },
            selector: "heads",
            unsubscribe: "stop",
          },
        },
        {
          name: "subscribe",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "numbers",
            item: "item",
            items: { schema: { type: "string" } },
            selector: "logs",
            unsubscribe: "stop",
          },
          params: [{ kind: "value", name: "level", schema: { $ref: "#/definitions/Level" } }],
        },
      ],
      separator: ".",
      servedBy: "server",
    },
    {
      name: "Chatter",
      digest: "11ea4d4ef8c10166c09349d7c20fb16e",
      methods: [
        {
          name: "chatter.confirm",
          call: { kind: "request", result: { type: "boolean" } },
          params: [
            { kind: "value", name: "question", schema: { type: "string" } },
            { kind: "value", name: "settings", schema: { $ref: "#/definitions/SettingsOutput" } },
          ],
        },
        {
          name: "chatter.news",
          call: { kind: "notification" },
          params: [{ kind: "value", name: "message", schema: { $ref: "#/definitions/Message" } }],
        },
        {
          name: "chatter.draw",
          call: {
            kind: "request",
            result: { contentEncoding: "base64", type: ["string", "null"] },
          },
          params: [
            {
              kind: "value",
              name: "picture",
              schema: { contentEncoding: "base64", type: "string" },
            },
          ],
          unstable: true,
        },
        {
          name: "chatter.watch",
          call: {
            kind: "subscription",
            idMember: "subscription",
            ids: "strings",
            item: "chatter.watch",
            items: { schema: { contentEncoding: "base64", type: "string" } },
            unsubscribe: "chatter.unsubscribe_watch",
          },
          unstable: true,
        },
      ],
      namespace: "chatter",
      separator: ".",
      servedBy: "client",
      version: "1.2",
    },
  ],
};
