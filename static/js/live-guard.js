// What a push may replace: never what somebody is using. Postponed parts are asked for anew when they are free.
"use strict";

(() => {
  const EDITABLE = "input:not([type=hidden]):not([type=submit]):not([type=button]), select, textarea, [contenteditable]";
  const OPEN = "dialog[open], .dropdown-menu.show, .modal.show, .offcanvas.show, [data-live-hold]";
  const postponed = new Set(); // ids of parts
  let focused = null; // finds again what had the focus: a link or button inside a swapped part

  function unsaved(control) {
    if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
    if (control.tagName !== "SELECT") return "defaultValue" in control && control.value !== control.defaultValue;
    const options = [...control.options];
    const standard = options.filter((option) => option.defaultSelected);
    const expected = standard.length || control.multiple ? standard : options.slice(0, 1);
    return options.some((option) => option.selected !== expected.includes(option));
  }

  function busy(element) {
    const active = document.activeElement;
    if (active && element.contains(active) && active.matches(EDITABLE)) return true;
    if (element.matches(OPEN) || element.querySelector(OPEN)) return true;
    return [...element.querySelectorAll(EDITABLE)].some(unsaved);
  }

  // Finds what stands for the element after the swap: by what names it, else by its place among its like.
  function sameAs(element) {
    if (element.id) return () => document.getElementById(element.id);
    const row = element.closest("[id]");
    if (!row) return () => null;
    const name = ["name", "href", "hx-get", "hx-post", "data-portal"].find((each) => element.hasAttribute(each));
    const like = name ? `[${name}="${CSS.escape(element.getAttribute(name))}"]` : element.localName;
    const place = [...row.querySelectorAll(like)].indexOf(element);
    return () => document.getElementById(row.id)?.querySelectorAll(like)[place];
  }

  function lines(event, part, chunk) {
    const reached = Live.cursorOf(part);
    if (Number(chunk.dataset.after) === reached) return;
    event.detail.shouldSwap = false; // had it already, or something is missing before it
    if (Number(chunk.dataset.after) > reached) Live.again(part);
  }

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    const part = target.closest("[data-live]");
    if (!part) return;
    const chunk = fragment.firstElementChild;
    if (target === part && chunk && "after" in chunk.dataset) return lines(event, part, chunk);
    if (busy(target)) { // the row in use waits; its neighbours stay live
      postponed.add(part.id);
      event.detail.shouldSwap = false;
      return;
    }
    const active = document.activeElement;
    focused = active && target.contains(active) ? sameAs(active) : null;
    if (target !== part) queueMicrotask(() => flash(target.id));
  });

  document.addEventListener("htmx:oobAfterSwap", () => {
    focused?.()?.focus({ preventScroll: true });
    focused = null;
  });

  function flash(id) {
    const row = document.getElementById(id);
    if (!row || !row.closest("tbody, [data-flash]")) return;
    row.classList.add("flash"); // still, and gone after a moment: fading would cost a restyle in every frame
    setTimeout(() => row.classList.remove("flash"), 800);
  }

  setInterval(() => {
    for (const id of postponed) {
      const part = document.getElementById(id);
      if (part && busy(part)) continue;
      postponed.delete(id);
      if (part) Live.again(part);
    }
  }, 500);
})();
