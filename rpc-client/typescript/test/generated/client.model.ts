// Made of the traits of the program. Do not edit: change the traits, and make it anew.

import type { Model } from "two-way-json-rpc";

/** The services of both ends with all their types, for `offers` and `offered`. */
export const model: Model = {
  "end": "client",
  "services": [
    {
      "name": "Chat",
      "namespace": "chat",
      "separator": ".",
      "servedBy": "server",
      "digest": "bd4273e11d0178ba2ad7ff2fb877a42a",
      "methods": [
        {
          "name": "chat.join",
          "aliases": [
            "enter"
          ],
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/PageOfUser"
            }
          },
          "params": [
            {
              "name": "room",
              "kind": "value",
              "schema": {
                "type": "string"
              }
            },
            {
              "name": "lang",
              "kind": "value",
              "schema": {
                "type": "string"
              },
              "optional": true,
              "default": ""
            },
            {
              "name": "seat",
              "kind": "value",
              "schema": {
                "format": "uint8",
                "maximum": 255,
                "minimum": 0,
                "type": [
                  "integer",
                  "null"
                ]
              },
              "optional": true
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
                  },
                  "until": {
                    "type": [
                      "string",
                      "null"
                    ]
                  }
                },
                "required": [
                  "max",
                  "until"
                ],
                "type": "object"
              }
            },
            {
              "code": 1002,
              "name": "NoRoom",
              "data": {
                "type": "string"
              }
            },
            {
              "code": 1003,
              "name": "NotMember"
            },
            {
              "code": 1004,
              "name": "Taken",
              "data": {
                "items": [
                  {
                    "$ref": "#/definitions/User2"
                  },
                  {
                    "format": "uint8",
                    "maximum": 255,
                    "minimum": 0,
                    "type": "integer"
                  }
                ],
                "maxItems": 2,
                "minItems": 2,
                "type": "array"
              }
            }
          ],
          "timeoutMs": 2000,
          "idempotent": true
        },
        {
          "name": "chat.say",
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
            },
            {
              "name": "to",
              "kind": "value",
              "schema": {
                "items": {
                  "$ref": "#/definitions/Recipient"
                },
                "type": "array"
              }
            }
          ]
        },
        {
          "name": "chat.listen",
          "call": {
            "kind": "subscription",
            "item": "chat.listen",
            "unsubscribe": "chat.unsubscribe_listen",
            "ids": "strings",
            "idMember": "subscription",
            "items": {
              "schema": {
                "$ref": "#/definitions/Message"
              },
              "errors": [
                {
                  "code": 2001,
                  "name": "FeedError"
                }
              ]
            }
          },
          "params": [
            {
              "name": "room",
              "kind": "value",
              "schema": {
                "type": "string"
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
                  },
                  "until": {
                    "type": [
                      "string",
                      "null"
                    ]
                  }
                },
                "required": [
                  "max",
                  "until"
                ],
                "type": "object"
              }
            },
            {
              "code": 1002,
              "name": "NoRoom",
              "data": {
                "type": "string"
              }
            },
            {
              "code": 1003,
              "name": "NotMember"
            },
            {
              "code": 1004,
              "name": "Taken",
              "data": {
                "items": [
                  {
                    "$ref": "#/definitions/User2"
                  },
                  {
                    "format": "uint8",
                    "maximum": 255,
                    "minimum": 0,
                    "type": "integer"
                  }
                ],
                "maxItems": 2,
                "minItems": 2,
                "type": "array"
              }
            }
          ]
        },
        {
          "name": "chat.upload",
          "call": {
            "kind": "request",
            "result": {
              "contentEncoding": "base64",
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
              "name": "chunks",
              "kind": "stream",
              "schema": {
                "$ref": "#/definitions/SizedBase64"
              },
              "errors": [
                {
                  "code": 2001,
                  "name": "FeedError"
                }
              ]
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
                  },
                  "until": {
                    "type": [
                      "string",
                      "null"
                    ]
                  }
                },
                "required": [
                  "max",
                  "until"
                ],
                "type": "object"
              }
            },
            {
              "code": 1002,
              "name": "NoRoom",
              "data": {
                "type": "string"
              }
            },
            {
              "code": 1003,
              "name": "NotMember"
            },
            {
              "code": 1004,
              "name": "Taken",
              "data": {
                "items": [
                  {
                    "$ref": "#/definitions/User2"
                  },
                  {
                    "format": "uint8",
                    "maximum": 255,
                    "minimum": 0,
                    "type": "integer"
                  }
                ],
                "maxItems": 2,
                "minItems": 2,
                "type": "array"
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
          "name": "chat.configure",
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/SettingsOutput"
            }
          },
          "params": [
            {
              "name": "settings",
              "kind": "all",
              "schema": {
                "$ref": "#/definitions/SettingsInput"
              }
            }
          ]
        },
        {
          "name": "chat.all",
          "call": {
            "kind": "request",
            "result": {
              "$ref": "#/definitions/PageOfMessage"
            }
          }
        }
      ]
    },
    {
      "name": "Node",
      "separator": ".",
      "servedBy": "server",
      "digest": "e8cdfb4f1590c31bf3bceeccb564373e",
      "methods": [
        {
          "name": "subscribe",
          "call": {
            "kind": "subscription",
            "item": "item",
            "unsubscribe": "stop",
            "ids": "numbers",
            "idMember": "subscription",
            "selector": "heads",
            "items": {
              "schema": {
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              }
            }
          }
        },
        {
          "name": "subscribe",
          "call": {
            "kind": "subscription",
            "item": "item",
            "unsubscribe": "stop",
            "ids": "numbers",
            "idMember": "subscription",
            "selector": "logs",
            "items": {
              "schema": {
                "type": "string"
              }
            }
          },
          "params": [
            {
              "name": "level",
              "kind": "value",
              "schema": {
                "$ref": "#/definitions/Level"
              }
            }
          ]
        }
      ]
    },
    {
      "name": "Chatter",
      "namespace": "chatter",
      "separator": ".",
      "version": "1.2",
      "servedBy": "client",
      "digest": "11ea4d4ef8c10166c09349d7c20fb16e",
      "methods": [
        {
          "name": "chatter.confirm",
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
            },
            {
              "name": "settings",
              "kind": "value",
              "schema": {
                "$ref": "#/definitions/SettingsOutput"
              }
            }
          ]
        },
        {
          "name": "chatter.news",
          "call": {
            "kind": "notification"
          },
          "params": [
            {
              "name": "message",
              "kind": "value",
              "schema": {
                "$ref": "#/definitions/Message"
              }
            }
          ]
        },
        {
          "name": "chatter.draw",
          "call": {
            "kind": "request",
            "result": {
              "contentEncoding": "base64",
              "type": [
                "string",
                "null"
              ]
            }
          },
          "params": [
            {
              "name": "picture",
              "kind": "value",
              "schema": {
                "contentEncoding": "base64",
                "type": "string"
              }
            }
          ],
          "unstable": true
        },
        {
          "name": "chatter.watch",
          "call": {
            "kind": "subscription",
            "item": "chatter.watch",
            "unsubscribe": "chatter.unsubscribe_watch",
            "ids": "strings",
            "idMember": "subscription",
            "items": {
              "schema": {
                "contentEncoding": "base64",
                "type": "string"
              }
            }
          },
          "unstable": true
        }
      ]
    }
  ],
  "definitions": {
    "Level": {
      "enum": [
        "info",
        "error"
      ],
      "type": "string"
    },
    "Message": {
      "oneOf": [
        {
          "properties": {
            "from": {
              "$ref": "#/definitions/User"
            },
            "kind": {
              "const": "text",
              "type": "string"
            },
            "text": {
              "type": "string"
            }
          },
          "required": [
            "kind",
            "from",
            "text"
          ],
          "type": "object"
        },
        {
          "properties": {
            "at": {
              "items": [
                {
                  "format": "int32",
                  "type": "integer"
                },
                {
                  "format": "int32",
                  "type": "integer"
                }
              ],
              "maxItems": 2,
              "minItems": 2,
              "type": "array"
            },
            "kind": {
              "const": "left",
              "type": "string"
            }
          },
          "required": [
            "kind",
            "at"
          ],
          "type": "object"
        }
      ]
    },
    "PageOfMessage": {
      "properties": {
        "next": {
          "format": "uint64",
          "minimum": 0,
          "type": [
            "integer",
            "null"
          ]
        },
        "rows": {
          "items": {
            "$ref": "#/definitions/Message"
          },
          "type": "array"
        }
      },
      "required": [
        "rows",
        "next"
      ],
      "type": "object"
    },
    "PageOfUser": {
      "properties": {
        "next": {
          "format": "uint64",
          "minimum": 0,
          "type": [
            "integer",
            "null"
          ]
        },
        "rows": {
          "items": {
            "$ref": "#/definitions/User"
          },
          "type": "array"
        }
      },
      "required": [
        "rows",
        "next"
      ],
      "type": "object"
    },
    "Recipient": {
      "oneOf": [
        {
          "enum": [
            "Everyone"
          ],
          "type": "string"
        },
        {
          "additionalProperties": false,
          "properties": {
            "User": {
              "type": "string"
            }
          },
          "required": [
            "User"
          ],
          "type": "object"
        }
      ]
    },
    "SettingsInput": {
      "properties": {
        "colors": {
          "additionalProperties": {
            "format": "uint32",
            "minimum": 0,
            "type": "integer"
          },
          "type": "object"
        },
        "loud": {
          "default": false,
          "type": "boolean"
        }
      },
      "required": [
        "colors"
      ],
      "type": "object"
    },
    "SettingsOutput": {
      "properties": {
        "colors": {
          "additionalProperties": {
            "format": "uint32",
            "minimum": 0,
            "type": "integer"
          },
          "type": "object"
        },
        "loud": {
          "default": false,
          "type": "boolean"
        }
      },
      "required": [
        "loud",
        "colors"
      ],
      "type": "object"
    },
    "SizedBase64": {
      "oneOf": [
        {
          "format": "uint64",
          "minimum": 0,
          "type": "integer"
        },
        {
          "contentEncoding": "base64",
          "type": "string"
        }
      ]
    },
    "User": {
      "properties": {
        "friends": {
          "items": {
            "$ref": "#/definitions/User"
          },
          "type": "array"
        },
        "name": {
          "type": "string"
        }
      },
      "required": [
        "name",
        "friends"
      ],
      "type": "object"
    },
    "User2": {
      "properties": {
        "id": {
          "format": "uint64",
          "minimum": 0,
          "type": "integer"
        }
      },
      "required": [
        "id"
      ],
      "type": "object"
    }
  }
};
