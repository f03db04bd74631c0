// What the server asks: each question is a call of the server in this page, which waits for the visitor.

export class Questions {
  #list = document.getElementById("asked");
  #title = document.getElementById("questions-title");

  /** Serves `page.ask`. Resolves with the answer; the question goes when nobody waits for the answer any more. */
  ask({ text, detail, yes, no }, { signal }) {
    return new Promise((answer) => {
      const card = document.createElement("article");
      card.className = "question";
      const heading = Object.assign(document.createElement("h3"), { textContent: text });
      const about = Object.assign(document.createElement("p"), { textContent: detail, className: "quiet" });
      const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
      const end = () => {
        const hadFocus = card.contains(document.activeElement);
        card.remove();
        if (hadFocus) (this.#list.querySelector("button") ?? this.#title).focus();
      };
      for (const [name, isYes] of [
        [yes, true],
        [no, false],
      ]) {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
        if (isYes) button.className = "first";
        button.setAttribute("aria-label", `${name}: ${text}`);
        button.addEventListener("click", () => {
          end();
          answer(isYes);
        });
        buttons.append(button);
      }
      card.append(heading, about, buttons);
      this.#list.append(card);
      signal.addEventListener("abort", () => {
        end();
        answer(false);
      });
    });
  }
}
