// What happens in the fleet, the newest first.

const MOST = 30;
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

export class Events {
  #list = document.getElementById("happened");

  add({ at, agent, text }) {
    const line = document.createElement("li");
    const time = Object.assign(document.createElement("time"), { textContent: TIME.format(at) });
    time.dateTime = new Date(at).toISOString();
    const name = Object.assign(document.createElement("b"), { textContent: agent });
    const what = document.createElement("span");
    what.append(name, ` ${text}`);
    line.append(time, what);
    this.#list.prepend(line);
    if (this.#list.children.length > MOST) this.#list.lastChild.remove();
  }

  clear() {
    this.#list.replaceChildren();
  }
}
