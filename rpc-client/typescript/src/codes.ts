/** Codes of JSON-RPC 2.0, and those that this protocol adds. */
export const ErrorCode = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  cancelled: -32800,
  tooManySubscriptions: -32006,
  answerTooBig: -32008,
  busy: -32009,
  batchTooBig: -32010,
  batchAnswerTooBig: -32011,
  deadline: -32012,
} as const;
