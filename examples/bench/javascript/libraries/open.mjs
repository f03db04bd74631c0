// For libraries that are given a WebSocket. In Node it is that of `ws`.

export function open(url) {
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = reject;
  });
}
