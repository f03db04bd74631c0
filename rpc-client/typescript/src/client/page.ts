/** The life of a page. */

import type { Client } from "./client.js";
import { drop } from "./liveness.js";

/** What is used of a window. */
export interface PageEvents {
  addEventListener(type: string, listener: (event: { readonly persisted?: boolean }) => void): void;
  removeEventListener(type: string, listener: (event: { readonly persisted?: boolean }) => void): void;
}

/** How long the server may take to show that it is there, in milliseconds. */
const SIGN_OF_LIFE = 5_000;

/**
 * Lets a client follow the life of its page: it comes back at once when the network or the page does, and lets go of
 * its link, but not of its session, when the page is put away. Returns a function that ends this.
 */
export function followPage(client: Client, page: PageEvents = globalThis as unknown as PageEvents): () => void {
  /** After a sleep a link may look alive: the server is asked, and the link given up if nothing comes. */
  const look = (): void => {
    if (client.state.is !== "up" && client.state.is !== "fresh") return client.reconnectNow();
    const { _core: core } = client;
    const { _received: received } = core;
    const isSilent = (): boolean => core._received === received;
    client.call("$/ping", undefined, { timeout: SIGN_OF_LIFE }).catch(() => {
      if (isSilent()) drop(core);
    });
  };
  const listeners: { [type: string]: (event: { readonly persisted?: boolean }) => void } = {
    online: () => client.reconnectNow(),
    offline: look,
    // A page with an open link cannot be kept by the browser. One that is left for good ends its session.
    pagehide: ({ persisted }) => persisted !== false && client.pause(),
    pageshow: ({ persisted }) => persisted && client.reconnectNow(),
    visibilitychange: () => {
      const { document } = globalThis as { document?: { visibilityState?: string } };
      if (document?.visibilityState !== "hidden") look();
    },
  };
  for (const [type, listener] of Object.entries(listeners)) page.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) page.removeEventListener(type, listener);
  };
}
