// The side panel: links marked data-panel open in it over the list, with their own address; Esc or × closes it.
// It shows at once that it loads, and says so with a Retry when what was asked for does not come.
"use strict";

(() => {
  const panel = document.getElementById("side-panel");
  if (!panel) return;
  const PATIENCE = 300; // ms that what is in the panel stays while the next part loads
  let opener = null;
  let wanted = ""; // the address that is being loaded
  let reason = "";
  let slow = 0;

  function open(url, from) {
    if (!panel.contains(from)) opener = from;
    history.pushState({ panel: true }, "", url);
    load(url);
  }

  function load(url) {
    wanted = url;
    reason = "";
    slow = setTimeout(() => show("loading"), panel.childElementCount ? PATIENCE : 0);
    const said = () => {}; // by the events below
    htmx.ajax("GET", url, { target: panel, swap: "innerHTML", source: panel }).catch(said);
  }

  function show(name) {
    panel.replaceChildren(document.getElementById(`panel-${name}`).content.cloneNode(true));
    Live.sync(); // nothing more of what stood there is wanted
  }

  function loaded() {
    clearTimeout(slow);
    wanted = "";
  }

  function failed(event) {
    if (event.target !== panel || !wanted) return;
    const url = wanted;
    loaded();
    show("failed");
    panel.querySelector("[data-panel-reason]").textContent = reason || document.body.dataset.unreachable;
    const retry = panel.querySelector("[data-panel-retry]");
    retry.addEventListener("click", () => load(url));
    retry.focus();
  }

  function close() {
    htmx.trigger(panel, "htmx:abort");
    loaded();
    if (!panel.childElementCount) return;
    panel.replaceChildren();
    Live.sync();
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
    loaded();
    if (!panel.childElementCount) close();
    else panel.querySelector("h2")?.focus({ preventScroll: true });
  });
  panel.addEventListener("toast", (event) => { // the server's words on why: said in the panel, not twice
    if (event.target !== panel || !wanted) return;
    reason = event.detail.text;
    event.stopPropagation();
  });
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    panel.addEventListener(name, (event) => {
      if (event.target === panel) event.stopPropagation();
      failed(event);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  });
  addEventListener("popstate", () => location.reload());
})();
// A form marked data-submit-on-change sends itself: the log's container and beginning.
document.addEventListener("change", (event) => {
  if (event.target.form?.dataset.submitOnChange !== undefined) event.target.form.requestSubmit();
});
