// The state of the link, for the visitor.

const WORDS = {
  connecting: () => "Connecting",
  up: ({ resumed }) => (resumed ? "Connected, session resumed" : "Connected"),
  away: () => "Link lost",
  fresh: () => "Connected, new session",
  ended: ({ closed }) => `Ended: ${closed.reason || `closed by ${closed.by}`}`,
};

export class LinkState {
  #at = document.getElementById("link");
  #text = document.getElementById("link-text");
  #when = document.getElementById("link-when");
  #now = document.getElementById("link-now");
  #state;

  constructor(onTryNow) {
    this.#now.addEventListener("click", onTryNow);
    setInterval(() => this.#count(), 250);
  }

  show(state) {
    this.#state = state;
    const isUp = state.is === "up" || state.is === "fresh";
    this.#at.dataset.is = isUp ? "up" : state.is;
    document.body.classList.toggle("stale", !isUp);
    const text = WORDS[state.is](state);
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#count();
  }

  #count() {
    const next = this.#state?.next;
    const left = next === undefined ? "" : `next try in ${Math.max(Math.ceil((next - performance.now()) / 1000), 0)} s`;
    if (this.#when.textContent !== left) this.#when.textContent = left;
    this.#now.hidden = next === undefined;
  }
}
