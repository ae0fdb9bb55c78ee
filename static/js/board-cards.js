// A board's cards: where each is, which are chosen, which one the Tab key reaches, and whether they may be moved now.
"use strict";

const BoardCards = (() => {
  const frame = document.getElementById("board-frame");
  const tools = document.querySelector(".board-tools [data-board-menu]");
  const may = Boolean(document.getElementById("board-form"));
  const selected = new Set(); // pods
  let current = ""; // the pod whose card the Tab key reaches

  const all = () => [...frame.querySelectorAll(".board-card")];
  const columns = () => [...frame.querySelectorAll(".board-column")];
  const grip = (card) => card?.querySelector(".board-grip");
  const movable = (card) => !card.classList.contains("board-fixed");
  const chosen = () => all().filter((card) => selected.has(card.dataset.pod) && movable(card));
  const pods = (cards) => cards.map((card) => card.dataset.pod);
  const facts = (cards) => cards.map((card) => ({ pod: card.dataset.pod, origin: card.dataset.origin }));

  // Pushes bring cards without what this page knows of them: say it again. A chosen card stays chosen while it is on
  // its way, when it cannot be moved for a moment.
  function dress() {
    if (!may) return;
    const cards = all();
    const here = new Set(pods(cards));
    for (const pod of selected) if (!here.has(pod)) selected.delete(pod);
    if (!here.has(current)) current = cards[0]?.dataset.pod ?? "";
    for (const card of cards) {
      grip(card).tabIndex = card.dataset.pod === current ? 0 : -1;
      grip(card).setAttribute("aria-pressed", selected.has(card.dataset.pod));
    }
    tools.hidden = chosen().length < 2;
    tools.textContent = tools.dataset.words.replace("%s", chosen().length);
    frame.toggleAttribute("data-closed", Boolean(Stale.words()));
  }

  // The cards that a gesture at this one is about: all chosen ones if it is one of them.
  function group(card) {
    if (!card || !movable(card)) return [];
    return selected.has(card.dataset.pod) ? chosen() : [card];
  }

  // The same where something is about to be done; says why not otherwise.
  function taken(card) {
    const cards = group(card);
    const silent = Stale.words();
    if (silent) BoardMoves.tell(silent);
    else if (!cards.length) BoardMoves.say("fixed", pods([card]));
    return silent ? [] : cards;
  }

  function choose(card) {
    const pod = card.dataset.pod;
    if (!movable(card)) return BoardMoves.say("fixed", [pod]);
    const was = selected.delete(pod) || !selected.add(pod);
    BoardMoves.say(was ? "unselected" : "selected", [pod]);
    dress();
  }

  function chooseNone() {
    selected.clear();
    dress();
  }

  // live-guard.js lets no push replace a card in the hand
  function hold(cards, held) {
    cards.forEach((card) => card.toggleAttribute("data-live-hold", held));
  }

  function over(column) {
    columns().forEach((each) => each.classList.toggle("board-over", each === column));
  }

  function drop(cards, column) {
    const going = cards.filter((card) => card.dataset.origin !== column.dataset.business);
    chooseNone();
    if (going.length) BoardMoves.send(facts(going), column.dataset.business);
  }

  function go(card) {
    if (!card) return;
    current = card.dataset.pod;
    dress();
    grip(card).focus();
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, dress);
  dress();
  return { frame, may, columns, movable, chosen, pods, facts, group, taken, choose, chooseNone, hold, over, drop, go };
})();
