// A pool's timeline: what is pointed at or focused is said in words; arrows go along a pod and between pods.
"use strict";

(() => {
  const pieces = (bar) => [...bar.querySelectorAll("rect")];

  function say(piece) {
    const words = piece.closest("[data-timeline]")?.querySelector(".timeline-words");
    if (words) words.textContent = piece.dataset.words;
  }

  function reach(frame) {
    const bars = [...frame.querySelectorAll(".timeline-bar")];
    const current = frame.querySelector("rect[tabindex='0']") ?? pieces(bars[0] ?? frame)[0];
    for (const piece of pieces(frame)) piece.setAttribute("tabindex", piece === current ? "0" : "-1");
  }

  function next(piece, key) {
    const bar = piece.closest(".timeline-bar");
    const own = pieces(bar);
    const bars = [...bar.closest("[data-timeline]").querySelectorAll(".timeline-bar")];
    const place = own.indexOf(piece);
    if (key === "ArrowRight") return own[place + 1];
    if (key === "ArrowLeft") return own[place - 1];
    const other = bars[bars.indexOf(bar) + (key === "ArrowDown" ? 1 : -1)];
    return other && pieces(other)[Math.min(place, pieces(other).length - 1)];
  }

  document.addEventListener("pointerover", (event) => {
    const piece = event.target.closest?.(".timeline-bar rect");
    if (piece) say(piece);
  });
  document.addEventListener("focusin", (event) => {
    const piece = event.target.closest?.(".timeline-bar rect");
    if (!piece) return;
    say(piece);
    piece.closest("[data-timeline]").querySelector("rect[tabindex='0']")?.setAttribute("tabindex", "-1");
    piece.setAttribute("tabindex", "0");
  });
  document.addEventListener("keydown", (event) => {
    const piece = event.target.closest?.(".timeline-bar rect");
    if (!piece || !["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    next(piece, event.key)?.focus();
  });
  const ready = () => document.querySelectorAll("[data-timeline]").forEach(reach);
  document.addEventListener("htmx:afterSwap", ready);
  document.addEventListener("htmx:oobAfterSwap", ready);
  ready();
})();
