// Deploy & test: example commands, and a button that says why it is off.
"use strict";

(() => {
  const command = () => document.getElementById("id_command");

  function judge() {
    const button = document.querySelector("#deploy-form button[name=deploy]");
    const preview = document.getElementById("command-preview");
    if (!button || !preview || "forbidden" in button.dataset) return;
    const problem = preview.dataset.problem || "";
    button.disabled = Boolean(problem);
    document.getElementById("deploy-why").textContent = problem;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-example]");
    if (!button) return;
    command().value = button.dataset.example;
    command().dispatchEvent(new Event("input", { bubbles: true }));
    command().focus();
  });
  document.addEventListener("htmx:afterSwap", judge);
  document.addEventListener("DOMContentLoaded", judge);
})();
