// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  "end": "client",
  "services": [
    {
      "name": "Reference",
      "separator": ".",
      "version": "1.0",
      "servedBy": "server",
      "digest": "7107e475ccfc8fc42b3e5c0536129df1",
      "methods": [
        {
          "name": "add",
          "call": {
            "kind": "request",
            "result": {
              "format": "int64",
              "type": "integer"
            }
          },
          "params": [
            {
              "name": "a",
              "kind": "value",
              "schema": {
                "format": "int64",
                "type": "integer"
              }
            },
            {
              "name": "b",
              "kind": "value",
              "schema": {
                "format": "int64",
                "type": "integer"
              }
            }
          ]
        },
        {
          "name": "greet",
          "call": {
            "kind": "request",
            "result": {
              "type": "string"
            }
          },
          "params": [
            {
              "name": "first_name",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        },
        {
          "name": "count",
          "call": {
            "kind": "request",
            "result": {
              "format": "uint64",
              "minimum": 0,
              "type": "integer"
            }
          },
          "params": [
            {
              "name": "key",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "from",
              "kind": "value",
              "schema": {
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              }
            }
          ]
        },
        {
          "name": "offers",
          "call": {
            "kind": "request",
            "result": {
              "type": "string"
            }
          }
        },
        {
          "name": "forget",
          "call": {
            "kind": "request",
            "result": {
              "type": "boolean"
            }
          },
          "params": [
            {
              "name": "key",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        }
      ]
    },
    {
      "name": "Caller",
      "separator": ".",
      "version": "1.0",
      "servedBy": "client",
      "digest": "9353d9afded7054d29a991bcb67fc8a2",
      "methods": [
        {
          "name": "bounce",
          "call": {
            "kind": "request",
            "result": {
              "format": "uint32",
              "minimum": 0,
              "type": "integer"
            }
          },
          "params": [
            {
              "name": "depth",
              "kind": "value",
              "schema": {
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              }
            },
            {
              "name": "by",
              "kind": "value",
              "schema": {
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              }
            }
          ]
        },
        {
          "name": "tick",
          "call": {
            "kind": "notification"
          },
          "params": [
            {
              "name": "n",
              "kind": "value",
              "schema": {
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              }
            }
          ]
        }
      ]
    }
  ]
};
