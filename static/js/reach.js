// What scrolls sideways can be scrolled by keyboard, too: a table without links or controls takes the focus itself.
"use strict";

(() => {
  const CONTROLS = "a[href], button, input, select, textarea, [tabindex='0']";

  function reach() {
    for (const box of document.querySelectorAll(".table-responsive")) {
      const alone = box.scrollWidth > box.clientWidth && !box.querySelector(CONTROLS);
      if (alone) box.tabIndex = 0;
      else if ("reached" in box.dataset) box.removeAttribute("tabindex");
      box.toggleAttribute("data-reached", alone);
    }
  }

  addEventListener("resize", reach);
  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, reach);
  reach();
})();
