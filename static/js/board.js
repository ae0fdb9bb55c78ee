// A board by pointer and by keyboard: choose cards, pick them up, drop them on another column.
"use strict";

(() => {
  const frame = document.getElementById("board-frame");
  const may = Boolean(document.getElementById("board-form"));
  const tools = document.querySelector(".board-tools [data-board-menu]");
  const selected = new Set(); // pods
  let current = ""; // the pod whose card the Tab key reaches
  let lifted = null; // by keyboard: {cards, column}
  let dragged = []; // by pointer

  const all = () => [...frame.querySelectorAll(".board-card")];
  const columns = () => [...frame.querySelectorAll(".board-column")];
  const grip = (card) => card?.querySelector(".board-grip");
  const cardOf = (pod) => all().find((card) => card.dataset.pod === pod);
  const movable = (card) => card && !card.classList.contains("board-fixed");
  const pods = (cards) => cards.map((card) => card.dataset.pod);
  const facts = (card) => ({ pod: card.dataset.pod, origin: card.dataset.origin });

  // Pushes bring cards without what this page knows of them: say it again.
  function dress() {
    if (!may) return;
    const cards = all();
    for (const pod of [...selected]) if (!movable(cards.find((card) => card.dataset.pod === pod))) selected.delete(pod);
    if (!cards.some((card) => card.dataset.pod === current)) current = cards[0]?.dataset.pod ?? "";
    for (const card of cards) {
      grip(card).tabIndex = card.dataset.pod === current ? 0 : -1;
      grip(card).setAttribute("aria-pressed", selected.has(card.dataset.pod));
    }
    tools.hidden = selected.size < 2;
    tools.textContent = tools.dataset.words.replace("%s", selected.size);
  }

  // The cards that a gesture at this one is about: all selected ones if it is one of them.
  function group(card) {
    if (!movable(card)) return [];
    return selected.has(card.dataset.pod) ? all().filter((each) => selected.has(each.dataset.pod)) : [card];
  }

  function drop(cards, column) {
    const going = cards.filter((card) => card.dataset.origin !== column.dataset.business);
    selected.clear();
    dress();
    if (going.length) BoardMoves.send(going.map(facts), column.dataset.business);
  }

  // live-guard.js lets no push replace a card in the hand
  function hold(cards, held) {
    cards.forEach((card) => card.toggleAttribute("data-live-hold", held));
  }

  function over(column) {
    columns().forEach((each) => each.classList.toggle("board-over", each === column));
  }

  function choose(card) {
    const pod = card.dataset.pod;
    if (!movable(card)) return BoardMoves.say("fixed", [pod]);
    const was = selected.delete(pod) || !selected.add(pod);
    BoardMoves.say(was ? "unselected" : "selected", [pod]);
    dress();
  }

  // Pointer
  frame.addEventListener("dragstart", (event) => {
    dragged = group(event.target.closest(".board-card"));
    if (!dragged.length) return event.preventDefault();
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", pods(dragged).join(" "));
    hold(dragged, true);
  });
  for (const [name, act] of [["dragover", over], ["drop", (column) => drop(dragged, column)]]) {
    frame.addEventListener(name, (event) => {
      const column = event.target.closest(".board-column");
      if (!dragged.length || !column) return;
      event.preventDefault();
      act(column);
    });
  }
  document.addEventListener("dragend", () => {
    hold(dragged, false);
    dragged = [];
    over(null);
  });
  document.addEventListener("click", (event) => {
    const card = event.target.closest(".board-card");
    if (event.target.closest("[data-board-menu]")) return BoardMoves.menu((card ? group(card) : [...selected].map(cardOf)).map(facts));
    if (!may || !card || event.target.closest("a, button")) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) choose(card);
    go(card);
  });

  // Keyboard
  function go(card) {
    if (!card) return;
    current = card.dataset.pod;
    dress();
    grip(card).focus();
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function beside(card, step) {
    const own = columns();
    const row = [...card.parentElement.children].indexOf(card);
    for (let at = own.indexOf(card.closest(".board-column")) + step; own[at]; at += step) {
      const cards = own[at].querySelectorAll(".board-card");
      if (cards.length) return cards[Math.min(row, cards.length - 1)];
    }
    return null;
  }

  function lift(card) {
    const cards = group(card);
    if (!cards.length) return BoardMoves.say("fixed", [card.dataset.pod]);
    lifted = { cards, column: card.closest(".board-column") };
    hold(cards, true);
    BoardMoves.say("lifted", pods(cards), lifted.column.dataset.business);
  }

  function release(column) {
    const { cards } = lifted;
    lifted = null;
    over(null);
    hold(cards, false);
    column ? drop(cards, column) : BoardMoves.say("back");
  }

  function carry(step) {
    const own = columns();
    lifted.column = own[Math.min(own.length - 1, Math.max(0, own.indexOf(lifted.column) + step))];
    over(lifted.column);
    lifted.column.scrollIntoView({ block: "nearest", inline: "nearest" });
    BoardMoves.say("over", [], lifted.column.dataset.business);
  }

  const whileLifted = {
    ArrowLeft: () => carry(-1), ArrowRight: () => carry(1), ArrowUp: () => carry(-1), ArrowDown: () => carry(1),
    Enter: () => release(lifted.column), " ": () => release(lifted.column), Escape: () => release(null),
  };
  const onCard = {
    ArrowLeft: (card) => go(beside(card, -1)), ArrowRight: (card) => go(beside(card, 1)),
    ArrowUp: (card) => go(card.previousElementSibling), ArrowDown: (card) => go(card.nextElementSibling),
    " ": lift, Enter: lift, x: choose,
    m: (card) => group(card).length ? BoardMoves.menu(group(card).map(facts)) : BoardMoves.say("fixed", [card.dataset.pod]),
    Escape: () => { selected.clear(); dress(); },
  };

  frame.addEventListener("keydown", (event) => {
    const card = event.target.closest(".board-grip") && event.target.closest(".board-card");
    if (!may || !card || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = (lifted ? whileLifted : onCard)[event.key];
    if (!act) return;
    event.preventDefault();
    act(card);
  });

  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, dress);
  dress();
})();
