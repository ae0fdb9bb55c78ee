// Keyboard: "/" goes to the filter, "g" and a letter to a page, "?" lists all. Never while somebody types.
"use strict";

(() => {
  const PAUSE = 1200; // between the two keys of "g p"
  const help = document.getElementById("keys-help");
  let first = "";
  let forget = 0;

  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

  function follow(key) {
    const link = document.querySelector(`a[data-key="g ${CSS.escape(key)}"]`);
    first = "";
    if (link) link.click();
    return Boolean(link);
  }

  function filter() {
    const field = document.querySelector("main input[type=search]");
    field?.focus();
    field?.select();
    return Boolean(field);
  }

  function began() {
    first = "g";
    clearTimeout(forget);
    forget = setTimeout(() => (first = ""), PAUSE);
    return true;
  }

  function act(key) {
    if (first) return follow(key);
    if (key === "g") return began();
    if (key === "/") return filter();
    if (key === "?" && !help.open) return help.showModal() ?? true;
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && help.open) {
      event.preventDefault(); // closes this alone, not a panel below it
      help.close();
    } else if (!typing(event.target) && act(event.key)) event.preventDefault();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-help]")) help.showModal();
    if (event.target === help) help.close();
  });
})();
