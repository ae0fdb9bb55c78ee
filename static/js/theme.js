// Sets the theme before the first paint: what the person chose, else what the system prefers.
"use strict";
(() => {
  const wanted = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.bsTheme = wanted;
})();
