// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  "end": "client",
  "services": [
    {
      "name": "Reference",
      "separator": ".",
      "version": "1.2",
      "servedBy": "server",
      "digest": "ef8a5e41510f7dc53b3a225bd18fb46b",
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
          "name": "offers",
          "call": {
            "kind": "request",
            "result": {
              "type": "string"
            }
          }
        }
      ]
    },
    {
      "name": "Caller",
      "separator": ".",
      "version": "1.2",
      "servedBy": "client",
      "digest": "820619ba75547dfade4feddffe1d938d",
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
        },
        {
          "name": "message",
          "call": {
            "kind": "notification"
          },
          "params": [
            {
              "name": "group",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "value",
              "kind": "value",
              "schema": true
            }
          ]
        },
        {
          "name": "answer",
          "call": {
            "kind": "request",
            "result": true
          },
          "params": [
            {
              "name": "question",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        },
        {
          "name": "ask",
          "call": {
            "kind": "request",
            "result": {
              "type": "boolean"
            }
          },
          "params": [
            {
              "name": "question",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        }
      ]
    }
  ]
};
