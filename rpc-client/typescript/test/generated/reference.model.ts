// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  "end": "client",
  "services": [
    {
      "name": "Reference",
      "separator": ".",
      "version": "1.1",
      "servedBy": "server",
      "digest": "b19d86dfcf459cd4bcc95f2dae7920fc",
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
          "name": "echo",
          "call": {
            "kind": "request",
            "result": true
          },
          "params": [
            {
              "name": "value",
              "kind": "value",
              "schema": true
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
              "name": "name",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "greeting",
              "kind": "value",
              "schema": {
                "type": [
                  "string",
                  "null"
                ]
              },
              "optional": true
            }
          ]
        },
        {
          "name": "sleep",
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
              "name": "ms",
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
          "name": "slept",
          "call": {
            "kind": "request",
            "result": {
              "format": "uint64",
              "minimum": 0,
              "type": "integer"
            }
          }
        },
        {
          "name": "fail",
          "call": {
            "kind": "request",
            "result": {
              "type": "null"
            }
          },
          "params": [
            {
              "name": "code",
              "kind": "value",
              "schema": {
                "format": "int64",
                "type": "integer"
              }
            },
            {
              "name": "message",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "data",
              "kind": "value",
              "schema": true,
              "optional": true
            }
          ]
        },
        {
          "name": "typed_fail",
          "call": {
            "kind": "request",
            "result": {
              "type": "null"
            }
          },
          "params": [
            {
              "name": "max",
              "kind": "value",
              "schema": {
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              }
            }
          ],
          "errors": [
            {
              "code": 1001,
              "name": "Full",
              "data": {
                "properties": {
                  "max": {
                    "format": "uint32",
                    "minimum": 0,
                    "type": "integer"
                  }
                },
                "required": [
                  "max"
                ],
                "type": "object"
              }
            }
          ]
        },
        {
          "name": "panic",
          "call": {
            "kind": "request",
            "result": {
              "type": "null"
            }
          }
        },
        {
          "name": "big",
          "call": {
            "kind": "request",
            "result": {
              "type": "string"
            }
          },
          "params": [
            {
              "name": "bytes",
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
          "name": "note",
          "call": {
            "kind": "notification"
          },
          "params": [
            {
              "name": "text",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        },
        {
          "name": "notes",
          "call": {
            "kind": "request",
            "result": {
              "items": {
                "type": "string"
              },
              "type": "array"
            }
          }
        },
        {
          "name": "incr",
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
            }
          ],
          "errors": [
            {
              "code": 1002,
              "name": "Name",
              "data": {
                "properties": {
                  "max": {
                    "format": "uint",
                    "minimum": 0,
                    "type": "integer"
                  }
                },
                "required": [
                  "max"
                ],
                "type": "object"
              }
            },
            {
              "code": 1003,
              "name": "More",
              "data": {
                "properties": {
                  "max": {
                    "format": "uint",
                    "minimum": 0,
                    "type": "integer"
                  }
                },
                "required": [
                  "max"
                ],
                "type": "object"
              }
            },
            {
              "code": 1004,
              "name": "Ended"
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
            }
          ]
        },
        {
          "name": "whoami",
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/Whoami"
            }
          }
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
          "name": "call_back",
          "call": {
            "kind": "request",
            "result": true
          },
          "params": [
            {
              "name": "method",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "params",
              "kind": "value",
              "schema": true,
              "optional": true
            }
          ]
        },
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
          "name": "push",
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
          "name": "join",
          "call": {
            "kind": "request",
            "result": {
              "type": "null"
            }
          },
          "params": [
            {
              "name": "group",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ],
          "errors": [
            {
              "code": 1002,
              "name": "Name",
              "data": {
                "properties": {
                  "max": {
                    "format": "uint",
                    "minimum": 0,
                    "type": "integer"
                  }
                },
                "required": [
                  "max"
                ],
                "type": "object"
              }
            },
            {
              "code": 1003,
              "name": "More",
              "data": {
                "properties": {
                  "max": {
                    "format": "uint",
                    "minimum": 0,
                    "type": "integer"
                  }
                },
                "required": [
                  "max"
                ],
                "type": "object"
              }
            },
            {
              "code": 1004,
              "name": "Ended"
            }
          ]
        },
        {
          "name": "leave",
          "call": {
            "kind": "request",
            "result": {
              "type": "null"
            }
          },
          "params": [
            {
              "name": "group",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        },
        {
          "name": "members",
          "call": {
            "kind": "request",
            "result": {
              "items": {
                "type": "string"
              },
              "type": "array"
            }
          },
          "params": [
            {
              "name": "group",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            }
          ]
        },
        {
          "name": "publish",
          "call": {
            "kind": "request",
            "result": {
              "format": "uint",
              "minimum": 0,
              "type": "integer"
            }
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
          "name": "ask",
          "call": {
            "kind": "request",
            "result": {
              "items": {
                "$ref": "#/definitions/Reply"
              },
              "type": "array"
            }
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
              "name": "question",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "ms",
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
          "name": "build",
          "call": {
            "kind": "request",
            "result": {
              "type": "string"
            }
          },
          "params": [
            {
              "name": "steps",
              "kind": "value",
              "schema": {
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              }
            }
          ],
          "progress": {
            "$ref": "#/definitions/Step"
          }
        },
        {
          "name": "ticks",
          "call": {
            "kind": "subscription",
            "item": "ticks",
            "unsubscribe": "unsubscribe_ticks",
            "ids": "strings",
            "idMember": "subscription",
            "items": {
              "schema": {
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              }
            }
          },
          "params": [
            {
              "name": "count",
              "kind": "value",
              "schema": {
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              }
            },
            {
              "name": "every_ms",
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
          "name": "bytes",
          "call": {
            "kind": "subscription",
            "item": "bytes",
            "unsubscribe": "unsubscribe_bytes",
            "ids": "strings",
            "idMember": "subscription",
            "items": {
              "schema": {
                "contentEncoding": "base64",
                "type": "string"
              }
            }
          },
          "params": [
            {
              "name": "size",
              "kind": "value",
              "schema": {
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              }
            },
            {
              "name": "chunk",
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
          "name": "sum",
          "call": {
            "kind": "request",
            "result": {
              "format": "int64",
              "type": "integer"
            }
          },
          "params": [
            {
              "name": "values",
              "kind": "stream",
              "schema": {
                "format": "int64",
                "type": "integer"
              }
            }
          ]
        },
        {
          "name": "upload",
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/Uploaded"
            }
          },
          "params": [
            {
              "name": "file",
              "kind": "stream",
              "schema": {
                "contentEncoding": "base64",
                "type": "string"
              }
            }
          ],
          "progress": {
            "format": "uint64",
            "minimum": 0,
            "type": "integer"
          }
        },
        {
          "name": "stats",
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/Stats"
            }
          }
        }
      ]
    },
    {
      "name": "Caller",
      "separator": ".",
      "version": "1.1",
      "servedBy": "client",
      "digest": "9cad4bec44670bf35d2bf4676d54894f",
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
        }
      ]
    }
  ],
  "definitions": {
    "Reply": {
      "properties": {
        "id": {
          "type": "string"
        },
        "result": true
      },
      "required": [
        "id",
        "result"
      ],
      "type": "object"
    },
    "Stats": {
      "properties": {
        "closes": {
          "additionalProperties": {
            "format": "uint64",
            "minimum": 0,
            "type": "integer"
          },
          "type": "object"
        },
        "connections": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "groups": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "in_flight": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "pending": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "queue_bytes": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "stray": {
          "format": "uint64",
          "minimum": 0,
          "type": "integer"
        },
        "subscriptions": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        },
        "tasks": {
          "format": "uint",
          "minimum": 0,
          "type": "integer"
        }
      },
      "required": [
        "connections",
        "in_flight",
        "pending",
        "subscriptions",
        "groups",
        "queue_bytes",
        "tasks",
        "stray",
        "closes"
      ],
      "type": "object"
    },
    "Step": {
      "properties": {
        "of": {
          "format": "uint32",
          "minimum": 0,
          "type": "integer"
        },
        "step": {
          "format": "uint32",
          "minimum": 0,
          "type": "integer"
        }
      },
      "required": [
        "step",
        "of"
      ],
      "type": "object"
    },
    "Uploaded": {
      "properties": {
        "bytes": {
          "format": "uint64",
          "minimum": 0,
          "type": "integer"
        },
        "hash": {
          "format": "uint32",
          "minimum": 0,
          "type": "integer"
        }
      },
      "required": [
        "bytes",
        "hash"
      ],
      "type": "object"
    },
    "Whoami": {
      "properties": {
        "id": {
          "type": "string"
        },
        "remote": {
          "type": "string"
        }
      },
      "required": [
        "id",
        "remote"
      ],
      "type": "object"
    }
  }
};
