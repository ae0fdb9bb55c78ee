// While the page says that the cluster does not answer, what would change it is disabled and says why; it comes
// back by itself. A deployment may still be begun: it is an operation, which waits.
"use strict";

const Stale = (() => {
  const WRITES = "main form:is([method='post'], [hx-post]):not(#deploy-form) button:not([type='button']), main button:is([hx-post], [data-board-menu], [data-board-go])";
  const notice = () => document.querySelector("main .alert-warning.freshness")?.textContent.trim() ?? "";

  function judge() {
    const words = notice();
    for (const button of document.querySelectorAll(WRITES)) {
      if (words && !button.disabled) {
        button.dataset.stale = button.title;
        button.title = words;
        button.disabled = true;
      } else if (!words && "stale" in button.dataset) {
        button.title = button.dataset.stale;
        button.disabled = false;
        delete button.dataset.stale;
      }
    }
  }

  for (const name of ["htmx:load", "htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, judge);
  judge();
  return { words: notice };
})();
