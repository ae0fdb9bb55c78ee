// Sets the theme before the first paint: what the person chose, else what the system prefers.
"use strict";
(() => {
  const chosen = localStorage.getItem("theme"); // the admin site keeps its choice there, too, which may be "auto"
  const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.bsTheme = ["dark", "light"].includes(chosen) ? chosen : preferred;
})();
