// A log: keeps its newest lines in view until somebody scrolls up, pauses, searches, wraps, and stays small.
"use strict";

(() => {
  const MOST_LINES = 2000;
  const SEARCH_MOST = 2000;

  function begin(box) {
    if (box.dataset.logReady) return;
    box.dataset.logReady = "yes";
    const scroller = box.querySelector(".log");
    const stream = scroller.querySelector("[data-live]") || scroller;
    const part = (name) => box.querySelector(`[data-log-${name}]`);
    const [more, found, search] = [part("more"), part("found"), part("search")];
    let follow = true;
    let paused = false;
    let waiting = 0;
    let number = 0;
    let at = -1; // which hit is shown

    const lines = () => scroller.querySelectorAll(".log-line");
    const hits = () => [...scroller.querySelectorAll(".log-hit:not([hidden])")];

    function take(added) {
      const fresh = added.flatMap((node) =>
        node.matches?.(".log-line") ? [node] : [...(node.querySelectorAll?.(".log-line") ?? [])]);
      fresh.forEach((line) => {
        line.dataset.n = ++number;
        if (paused) line.hidden = true;
        mark(line);
      });
      if (!fresh.length) return;
      if (!follow || paused) waiting += fresh.length;
      trim();
      show();
    }

    function trim() {
      const all = lines();
      for (let index = 0; index < all.length - MOST_LINES; index += 1) {
        const holder = all[index].parentElement;
        all[index].remove();
        // the last chunk stays, as it says how far the page has read
        if (holder !== stream && !holder.childElementCount && holder.nextElementSibling) holder.remove();
      }
    }

    function show() {
      if (follow && !paused) {
        scroller.scrollTop = scroller.scrollHeight;
        waiting = 0;
      }
      more.hidden = waiting === 0;
      more.textContent = box.dataset.wordNew.replace("%s", waiting);
      part("follow").setAttribute("aria-pressed", follow && !paused);
      part("pause").setAttribute("aria-pressed", paused);
      if (search.value) count();
    }

    function goOn() {
      paused = false;
      follow = true;
      lines().forEach((line) => (line.hidden = false));
      show();
    }

    function mark(line) {
      const wanted = search.value.toLowerCase();
      line.classList.toggle("log-hit", Boolean(wanted) && line.textContent.toLowerCase().includes(wanted));
    }

    function count() {
      const number = hits().length;
      found.textContent = search.value ? box.dataset.wordFound.replace("%s", Math.min(number, SEARCH_MOST)) : "";
    }

    function next(step) {
      const all = hits();
      if (!all.length) return;
      at = (at + step + all.length) % all.length;
      follow = false;
      scroller.querySelector(".log-here")?.classList.remove("log-here");
      all[at].classList.add("log-here");
      all[at].scrollIntoView({ block: "center" });
      show();
    }

    scroller.addEventListener("scroll", () => {
      const low = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 24;
      if (low !== follow && !paused) {
        follow = low;
        show();
      }
    });
    box.addEventListener("click", (event) => {
      if (event.target.closest("[data-log-follow], [data-log-more]")) goOn();
      if (event.target.closest("[data-log-wrap]")) {
        const wraps = !scroller.classList.toggle("log-nowrap");
        part("wrap").setAttribute("aria-pressed", wraps);
      }
      if (!event.target.closest("[data-log-pause]")) return;
      if (paused) goOn();
      else paused = true;
      show();
    });
    search.addEventListener("input", () => { at = -1; lines().forEach(mark); count(); });
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      next(event.shiftKey ? -1 : 1);
    });
    new MutationObserver((changes) => take(changes.flatMap((change) => [...change.addedNodes])))
      .observe(stream, { childList: true });
    take([...stream.children]);
    show();
  }

  const all = (root) => root.querySelectorAll?.("[data-log]").forEach(begin);
  document.addEventListener("htmx:load", (event) => all(event.detail.elt));
  all(document);
})();
