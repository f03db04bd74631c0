/** The life of a page. */

import type { Client } from "./client.js";
import { drop } from "./liveness.js";

/** What is used of a window. */
export interface PageEvents {
  addEventListener(type: string, listener: PageListener, capture: boolean): void;
  removeEventListener(type: string, listener: PageListener, capture: boolean): void;
}

type PageListener = (event: { readonly persisted?: boolean }) => void;

/** How long the server may take to show that it is there, in milliseconds. */
const SIGN_OF_LIFE = 5_000;

/**
 * Lets a client follow the life of its page: it comes back at once when the network or the page does, and lets go of
 * its link, but not of its session, when the page is put away or frozen. Returns a function that ends this.
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
  const listeners: { [type: string]: PageListener } = {
    online() {
      client.reconnectNow();
      look(); // without a session there is no other link yet
    },
    offline: look,
    // With an open link the browser may not keep the page, or may close the link in a way that ends the session.
    // A page that is left for good ends its session: of links without a WebSocket, the browser says nothing.
    pagehide: ({ persisted }) => (persisted === false ? client.close() : client.pause()),
    pageshow: ({ persisted }) => persisted && client.reconnectNow(),
    freeze: () => client.pause(),
    resume: () => client.reconnectNow(),
    visibilitychange: () => {
      const { document } = globalThis as { document?: { visibilityState?: string } };
      if (document?.visibilityState !== "hidden") look();
    },
  };
  // Some are events of the document, and do not bubble.
  for (const [type, listener] of Object.entries(listeners)) page.addEventListener(type, listener, true);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) page.removeEventListener(type, listener, true);
  };
}
