// A log: keeps its newest lines in view until somebody scrolls up, pauses, searches, wraps, and stays small.
"use strict";

class LogBox {
  static MOST_LINES = 2000;

  constructor(box) {
    this.box = box;
    this.scroller = box.querySelector(".log");
    this.stream = this.scroller.querySelector("[data-live]") || this.scroller;
    this.search = this.part("search");
    Object.assign(this, { follow: true, paused: false, waiting: 0, number: 0, at: -1 });
    this.scroller.addEventListener("scroll", () => this.scrolled());
    box.addEventListener("click", (event) => this.clicked(event.target));
    this.search.addEventListener("input", () => this.searched());
    this.search.addEventListener("keydown", (event) => this.entered(event));
    const added = (changes) => changes.flatMap((change) => [...change.addedNodes]);
    new MutationObserver((changes) => this.take(added(changes))).observe(this.stream, { childList: true });
    this.take([...this.stream.children]);
    this.show();
  }

  part(name) { return this.box.querySelector(`[data-log-${name}]`); }
  lines() { return this.scroller.querySelectorAll(".log-line"); }
  hits() { return [...this.scroller.querySelectorAll(".log-hit:not([hidden])")]; }

  take(nodes) {
    const inside = (node) => (node.matches?.(".log-line") ? [node] : [...(node.querySelectorAll?.(".log-line") ?? [])]);
    const fresh = nodes.flatMap(inside);
    for (const line of fresh) {
      line.dataset.n = ++this.number;
      line.hidden = this.paused;
      this.mark(line);
    }
    if (!fresh.length) return;
    if (!this.follow || this.paused) this.waiting += fresh.length;
    this.trim();
    this.show();
  }

  trim() {
    const all = this.lines();
    for (let index = 0; index < all.length - LogBox.MOST_LINES; index += 1) {
      const holder = all[index].parentElement;
      all[index].remove();
      // the last chunk stays: it says how far the page has read
      if (holder !== this.stream && !holder.childElementCount && holder.nextElementSibling) holder.remove();
    }
  }

  show() {
    if (this.follow && !this.paused) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.waiting = 0;
    }
    const more = this.part("more");
    if (more) more.hidden = this.waiting === 0;
    if (more) more.textContent = this.box.dataset.wordNew.replace("%s", this.waiting);
    this.part("follow").setAttribute("aria-pressed", this.follow && !this.paused);
    this.part("pause").setAttribute("aria-pressed", this.paused);
    const words = this.box.dataset.wordFound.replace("%s", this.search.value ? this.hits().length : 0);
    this.part("found").textContent = this.search.value ? words : "";
  }

  goOn() {
    Object.assign(this, { follow: true, paused: false });
    this.lines().forEach((line) => (line.hidden = false));
  }

  clicked(target) {
    if (target.closest("[data-log-follow], [data-log-more]")) this.goOn();
    else if (target.closest("[data-log-pause]")) this.paused ? this.goOn() : (this.paused = true);
    else if (target.closest("[data-log-wrap]")) this.wrap();
    this.show();
  }

  wrap() { this.part("wrap").setAttribute("aria-pressed", !this.scroller.classList.toggle("log-nowrap")); }

  scrolled() {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
    if (this.paused || below < 24 === this.follow) return;
    this.follow = below < 24;
    this.show();
  }

  mark(line) {
    const wanted = this.search.value.toLowerCase();
    line.classList.toggle("log-hit", Boolean(wanted) && line.textContent.toLowerCase().includes(wanted));
  }

  searched() {
    this.at = -1;
    this.lines().forEach((line) => this.mark(line));
    this.show();
  }

  entered(event) {
    const all = this.hits();
    if (event.key !== "Enter" || !all.length) return;
    event.preventDefault();
    this.at = (this.at + (event.shiftKey ? -1 : 1) + all.length) % all.length;
    this.follow = false;
    this.scroller.querySelector(".log-here")?.classList.remove("log-here");
    all[this.at].classList.add("log-here");
    all[this.at].scrollIntoView({ block: "center" });
  }
}

(() => {
  const known = new WeakSet();
  const begin = (box) => known.has(box) || (known.add(box), new LogBox(box));
  const all = (root) => {
    if (root.matches?.("[data-log]")) begin(root);
    root.querySelectorAll("[data-log]").forEach(begin);
  };
  document.addEventListener("htmx:load", (event) => all(event.detail.elt));
  all(document);
})();
