// The side panel: links marked data-panel open in it over the list, with their own address; Esc or × closes it.
"use strict";

(() => {
  const panel = document.getElementById("side-panel");
  if (!panel) return;
  let opener = null;

  function open(url, from) {
    if (!panel.contains(from)) opener = from;
    history.pushState({ panel: true }, "", url);
    return htmx.ajax("GET", url, { target: panel, swap: "innerHTML", source: from });
  }

  function close() {
    if (!panel.childElementCount) return;
    panel.replaceChildren();
    Live.sync(); // nothing more of it is wanted
    history.pushState({}, "", panel.dataset.home);
    (opener?.isConnected ? opener : sameAs(opener))?.focus?.();
  }

  // A push may have put a new row in the place of the one whose link was followed.
  function sameAs(link) {
    const href = link?.getAttribute?.("href");
    return href ? document.querySelector(`a[data-panel][href="${CSS.escape(href)}"]`) : null;
  }

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (event.target.closest("#side-panel [data-panel-close]")) {
      event.preventDefault();
      close();
      return;
    }
    const link = event.target.closest("a[data-panel]");
    if (!link) return;
    event.preventDefault();
    open(link.href, link);
  });
  panel.addEventListener("submit", (event) => { // GET forms of the panel stay in it; POST forms are htmx's
    const form = event.target;
    if (form.method !== "get") return;
    event.preventDefault();
    open(`${form.action.split("?")[0]}?${new URLSearchParams(new FormData(form))}`, form);
  });
  panel.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== panel) return;
    if (!panel.childElementCount) close();
    else panel.querySelector("h2")?.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  });
  addEventListener("popstate", () => location.reload());
})();
// A form marked data-submit-on-change sends itself: the log's container and beginning.
document.addEventListener("change", (event) => {
  if (event.target.form?.dataset.submitOnChange !== undefined) event.target.form.requestSubmit();
});
