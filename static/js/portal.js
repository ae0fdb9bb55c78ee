// The frame: theme switch, toasts from HX-Trigger events, and errors that no view could answer.
"use strict";

const TOAST_SECONDS = 8;

function toast({ level = "danger", text = "" }) {
  const toasts = document.getElementById("toasts");
  const box = document.createElement("div");
  [...toasts.children].find((each) => each.textContent === text)?.remove(); // said again, not twice
  box.className = `alert alert-${level} toast-line`;
  box.textContent = text;
  toasts.append(box);
  setTimeout(() => box.remove(), TOAST_SECONDS * 1000);
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.bsTheme);
}

// Browsers give the clipboard to https and localhost only; elsewhere a selected field is copied the old way.
function copyOldWay(text) {
  const field = document.createElement("textarea");
  const before = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}

async function copy(text) {
  const done = await (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(() => true, () => copyOldWay(text));
  const { copied, notCopied } = document.body.dataset;
  toast(done ? { level: "success", text: copied } : { text: notCopied });
}

document.addEventListener("toast", (event) => toast(event.detail));
document.addEventListener("htmx:sendError", () => toast({ text: document.body.dataset.unreachable }));
document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-portal]");
  if (!control) return;
  if (control.dataset.portal === "theme") switchTheme();
  if (control.dataset.portal === "copy") copy(control.dataset.copy);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-reset]");
  if (!form) return;
  form.reset(); // what the cluster says is shown again; a done change arrives by the socket
  if (document.activeElement?.matches("input, select, textarea")) document.activeElement.blur();
});
