// Light or dark: what the visitor has chosen, or else what the system says. It runs before the page is drawn.
"use strict";

(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => root.dataset.theme;
  const isDark = () => (chosen() ? chosen() === "dark" : system.matches);

  let kept;
  try {
    kept = localStorage.getItem("theme");
  } catch {
    // The visitor lets no page keep anything.
  }
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => {
      button.setAttribute("aria-pressed", String(isDark()));
      dispatchEvent(new Event("themechange"));
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("theme", root.dataset.theme);
      } catch {
        // It holds until the page is left.
      }
      tell();
    });
    system.addEventListener("change", tell);
    tell();
  });
})();
