// A board by pointer: drag cards to another column, click to reach or choose them, open the menu of moves.
"use strict";

(() => {
  const { frame, may } = BoardCards;
  let pressed = null; // the card under a button that is down: no push may replace it before it can be dragged
  let dragged = [];

  function press(card) {
    if (pressed && !dragged.includes(pressed)) BoardCards.hold([pressed], false);
    pressed = card;
    if (card) BoardCards.hold([card], true);
  }

  function release() {
    BoardCards.hold(dragged, false);
    dragged = [];
    press(null);
    BoardCards.over(null);
  }

  frame.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".board-card[draggable]");
    if (may && card && !event.target.closest("a, button")) press(card);
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => press(null));

  frame.addEventListener("dragstart", (event) => {
    dragged = BoardCards.taken(event.target.closest(".board-card"));
    if (!dragged.length) return event.preventDefault();
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", BoardCards.pods(dragged).join(" "));
    BoardCards.hold(dragged, true);
  });
  for (const [name, act] of [["dragover", BoardCards.over], ["drop", (column) => BoardCards.drop(dragged, column)]]) {
    frame.addEventListener(name, (event) => {
      const column = event.target.closest(".board-column");
      if (!dragged.length || !column) return;
      event.preventDefault();
      act(column);
    });
  }
  document.addEventListener("dragend", release);

  document.addEventListener("click", (event) => {
    const card = event.target.closest(".board-card");
    if (event.target.closest("[data-board-menu]")) return BoardMoves.menu(BoardCards.facts(card ? BoardCards.group(card) : BoardCards.chosen()));
    if (!may || !card || event.target.closest("a, button")) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) BoardCards.choose(card);
    BoardCards.go(card);
  });
})();
