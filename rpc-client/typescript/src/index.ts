/** A JSON-RPC 2.0 peer that calls and is called. */

export { anyOf } from "./any-of.js";
export { type CallOptions, type Params } from "./call.js";
export { ErrorCode } from "./codes.js";
export { connect, overLink, type ConnectOptions } from "./connect.js";
export { type Context } from "./context.js";
export { type Limits, type PeerOptions } from "./core.js";
export { CallError, RpcError, type CallFailure, type Closed, type Fate } from "./errors.js";
export { type Handler, type Handlers, type Method } from "./handlers.js";
export { type Json } from "./json.js";
export { ConnectError, type Attempt, type Dial, type Link, type LinkEvents } from "./link.js";
export {
  method,
  service,
  type MethodOptions,
  type Param,
  type ParamReader,
  type Run,
  type ServiceMethods,
} from "./method.js";
export { type Peer } from "./peer.js";
export {
  overSocket,
  webSocket,
  type Provided,
  type WebSocketClass,
  type WebSocketLike,
  type WebSocketOptions,
} from "./websocket.js";
export { Batch } from "./batch.js";
export { batchAnswers } from "./batch-answers.js";
export { bytes, bytesOf, type Bytes } from "./bytes.js";
export { type Backoff } from "./client/backoff.js";
export { Client, keepConnected } from "./client/client.js";
export { liveness } from "./client/liveness.js";
export { followPage, type PageEvents } from "./client/page.js";
export { type ClientOptions } from "./client/supervisor.js";
export { describe, type Losses, type State } from "./client/state.js";
export { type Feature } from "./core.js";
export { exactJson } from "./exact-json.js";
export { Live, type LiveChange } from "./live/live.js";
export { type Operation } from "./live/patch.js";
export { type View } from "./live/taker.js";
export { Topic, type TakeOptions, type TopicOptions } from "./live/topic.js";
export { watch, type Watch, type WatchOptions } from "./live/watch.js";
export { mutable, mute, skipped, unmute } from "./mute.js";
export { type Change, type Mismatch } from "./offers/comparison.js";
export { type Model } from "./offers/model.js";
export { offered, type Offer } from "./offers/offered.js";
export { offers, type OffersOptions } from "./offers/offers.js";
export { type Services, type ServiceVersion } from "./offers/services.js";
export { report } from "./progress.js";
export { ready } from "./ready.js";
export { sse, webSocketOrSse, type FallbackOptions, type SseOptions } from "./sse/dial.js";
export { GapError, type Incoming, type StreamOptions } from "./streams/incoming.js";
export { sendStream, stream, type Source, type StreamArgument, type StreamMethodOptions } from "./streams/outgoing.js";
export { streamParam } from "./streams/param.js";
export { subscribe, type SubscribeOptions } from "./streams/subscribe.js";
export { unstable } from "./unstable.js";
export { within } from "./within.js";
