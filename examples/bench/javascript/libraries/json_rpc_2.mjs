// npm's `json-rpc-2.0`, as its README has it for both directions.

import { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } from "json-rpc-2.0";
import { open } from "./open.mjs";

export const packages = ["json-rpc-2.0"];

export async function connect(url, { ask, tick }) {
  const socket = await open(url);
  const peer = new JSONRPCServerAndClient(
    new JSONRPCServer(),
    new JSONRPCClient((request) => {
      try {
        socket.send(JSON.stringify(request));
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error);
      }
    }),
  );
  socket.onmessage = ({ data }) => peer.receiveAndSend(JSON.parse(data.toString()));
  socket.onclose = ({ reason }) => peer.rejectAllPendingRequests(`Connection is closed (${reason}).`);
  peer.addMethod("ask", ([n]) => ask(n));
  peer.addMethod("tick", ([n]) => tick(n));
  return { socket, peer };
}

export const add = ({ peer }, a, b) => peer.request("add", [a, b]);
export const push = ({ peer }, n) => peer.request("push", [n]);
export const askBack = ({ peer }, n) => peer.request("call_back", ["ask", [n]]);
export const close = ({ socket }) => socket.close();
