// Rows that stand in several lists (a board's cards): each stands in the list that its data-place names, sorted by
// its data-order. Pushes bring a changed row where it stood; this moves it, and keeps the focus that it had.
"use strict";

const LivePlaces = (() => {
  const after = (row, other) => row.dataset.order > other.dataset.order;

  function right(row, list) {
    const [before, next] = [row.previousElementSibling, row.nextElementSibling];
    const wrong = (before && after(before, row)) || (next && after(row, next));
    return row.parentElement === list && !wrong;
  }

  function move(row, list) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    const next = [...list.children].find((other) => other !== row && after(other, row));
    list.insertBefore(row, next ?? null);
    focused?.focus({ preventScroll: true });
  }

  function settle() {
    for (const row of document.querySelectorAll("[data-place]")) {
      const list = document.getElementById(row.dataset.place);
      if (list && !right(row, list)) move(row, list);
    }
  }

  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, settle);
  return { settle };
})();
