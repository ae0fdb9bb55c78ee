// A board by keyboard: arrows between cards, pick up, carry to another column, drop or put back.
"use strict";

(() => {
  let lifted = null; // {cards, column}

  function beside(card, step) {
    const own = BoardCards.columns();
    const row = [...card.parentElement.children].indexOf(card);
    for (let at = own.indexOf(card.closest(".board-column")) + step; own[at]; at += step) {
      const cards = own[at].querySelectorAll(".board-card");
      if (cards.length) return cards[Math.min(row, cards.length - 1)];
    }
    return null;
  }

  function lift(card) {
    const cards = BoardCards.taken(card);
    if (!cards.length) return;
    lifted = { cards, column: card.closest(".board-column") };
    BoardCards.hold(cards, true);
    BoardMoves.say("lifted", BoardCards.pods(cards), lifted.column.dataset.business);
  }

  function release(column) {
    const { cards } = lifted;
    lifted = null;
    BoardCards.over(null);
    BoardCards.hold(cards, false);
    column ? BoardCards.drop(cards, column) : BoardMoves.say("back");
  }

  function carry(step) {
    const own = BoardCards.columns();
    lifted.column = own[Math.min(own.length - 1, Math.max(0, own.indexOf(lifted.column) + step))];
    BoardCards.over(lifted.column);
    lifted.column.scrollIntoView({ block: "nearest", inline: "nearest" });
    BoardMoves.say("over", [], lifted.column.dataset.business);
  }

  function menu(card) {
    const cards = BoardCards.taken(card);
    if (cards.length) BoardMoves.menu(BoardCards.facts(cards));
  }

  const whileLifted = {
    ArrowLeft: () => carry(-1), ArrowRight: () => carry(1), ArrowUp: () => carry(-1), ArrowDown: () => carry(1),
    Enter: () => release(lifted.column), " ": () => release(lifted.column), Escape: () => release(null),
  };
  const onCard = {
    ArrowLeft: (card) => BoardCards.go(beside(card, -1)), ArrowRight: (card) => BoardCards.go(beside(card, 1)),
    ArrowUp: (card) => BoardCards.go(card.previousElementSibling), ArrowDown: (card) => BoardCards.go(card.nextElementSibling),
    " ": lift, Enter: lift, x: BoardCards.choose, m: menu, Escape: BoardCards.chooseNone,
  };

  BoardCards.frame.addEventListener("keydown", (event) => {
    const card = event.target.closest(".board-grip") && event.target.closest(".board-card");
    if (!BoardCards.may || !card || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = (lifted ? whileLifted : onCard)[event.key];
    if (!act) return;
    event.preventDefault();
    act(card);
  });
})();
