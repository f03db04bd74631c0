// npm's `@hediet/json-rpc` with its transport for WebSockets: a contract without checks of types, which is quickest.

import { Contract, contract, unverifiedNotification, unverifiedRequest } from "@hediet/json-rpc";
import { WebSocketTransport } from "@hediet/json-rpc-websocket";

export const packages = ["@hediet/json-rpc", "@hediet/json-rpc-websocket"];

const reference = contract({
  name: "Reference",
  server: {
    add: unverifiedRequest(),
    push: unverifiedRequest(),
    callBack: unverifiedRequest({ method: "call_back" }),
  },
  client: {
    ask: unverifiedRequest(),
    tick: unverifiedNotification(),
  },
});

export async function connect(url, { ask, tick }) {
  const transport = await WebSocketTransport.connectTo({ address: url });
  const handlers = { ask: async ([n]) => ask(n), tick: ([n]) => tick(n) };
  const { server } = Contract.getServerFromStream(reference, transport, {}, handlers);
  return { transport, server };
}

// It takes params by name only.
export const add = ({ server }, a, b) => server.add({ a, b });
export const push = ({ server }, n) => server.push({ n });
export const askBack = ({ server }, n) => server.callBack({ method: "ask", params: [n] });
export const close = ({ transport }) => transport.close();
