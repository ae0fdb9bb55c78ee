// What scrolls sideways can be scrolled by keyboard, too: a table without links or controls takes the focus itself.
"use strict";

(() => {
  const CONTROLS = "a[href], button, input, select, textarea, [tabindex='0']";

  function reach() {
    for (const box of document.querySelectorAll(".table-responsive")) {
      const alone = !box.querySelector(CONTROLS) && box.scrollWidth > box.clientWidth;
      if (alone) box.tabIndex = 0;
      else if ("reached" in box.dataset) box.removeAttribute("tabindex");
      box.toggleAttribute("data-reached", alone);
    }
  }

  let waiting = 0;
  function soon() { // measuring makes the browser lay the page out: once for many pushed rows
    waiting ||= setTimeout(() => {
      waiting = 0;
      reach();
    }, 200);
  }

  addEventListener("resize", reach);
  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, soon);
  reach();
})();
