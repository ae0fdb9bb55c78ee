// The frame: theme switch, toasts from HX-Trigger events, and errors that no view could answer.
"use strict";

const TOAST_SECONDS = 8;

function toast({ level = "danger", text = "" }) {
  const box = document.createElement("div");
  box.className = `alert alert-${level} toast-line`;
  box.textContent = text;
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), TOAST_SECONDS * 1000);
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.bsTheme);
}

document.addEventListener("toast", (event) => toast(event.detail));
document.addEventListener("htmx:sendError", () => toast({ text: document.body.dataset.unreachable }));
document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-portal]");
  if (!control) return;
  if (control.dataset.portal === "theme") switchTheme();
  if (control.dataset.portal === "copy") navigator.clipboard.writeText(control.dataset.copy);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-reset]");
  if (!form) return;
  form.reset(); // what the cluster says is shown again; a done change arrives by the socket
  if (document.activeElement?.matches("input, select, textarea")) document.activeElement.blur();
});
