// A board's moves: shown at once, sent, and taken back with the reason where they are refused. What the cluster then
// says arrives by the page's socket like everybody else's changes.
"use strict";

const BoardMoves = (() => {
  const frame = document.getElementById("board-frame");
  const says = document.getElementById("board-says");
  const dialog = document.getElementById("board-dialog");
  const form = document.getElementById("board-form");
  const questions = []; // one for each kind of trouble: {cards, words, business, options}
  let open = null; // what the dialog is about: {cards: [{pod, origin}], and when it asks: business, options}

  const cardOf = (pod) => frame.querySelector(`.board-card[data-pod="${CSS.escape(pod)}"]`);
  const columnOf = (business) => frame.querySelector(`.board-column[data-business="${CSS.escape(business)}"]`);
  const named = (pods) => (pods.length === 1 ? pods[0] : says.dataset.many.replace("%s", pods.length));

  function say(word, pods = [], business = "") {
    const column = columnOf(business)?.dataset.words ?? "";
    says.textContent = says.dataset[word].replace("%p", named(pods)).replace("%c", column);
  }

  function tell(words) {
    says.textContent = words;
    toast({ level: "warning", text: words });
  }

  function place(pods, business) {
    for (const card of pods.map(cardOf).filter(Boolean)) {
      card.classList.remove("board-refused");
      card.classList.toggle("board-sent", Boolean(business));
      card.dataset.place = business ? columnOf(business).dataset.list : card.dataset.home;
    }
    LivePlaces.settle();
  }

  // cards: [{pod, origin}]; options: how, timeout, reason, force
  async function send(cards, business, options = {}) {
    const pods = cards.map((card) => card.pod);
    place(pods, business);
    say("dropped", pods, business);
    const fields = Object.entries({ business, ...options }).filter(([, value]) => value !== "");
    const asked = cards.flatMap(({ pod, origin }) => [["pod", pod], ["origin", origin]]);
    const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    try {
      const body = new URLSearchParams([...fields, ...asked]);
      await told(await fetch(frame.dataset.move, { method: "POST", headers, body }), cards, business, options);
    } catch {
      toast({ text: says.dataset.failed });
      place(pods, null);
    }
  }

  async function told(response, cards, business, options) {
    const trouble = response.headers.get("HX-Trigger");
    if (response.headers.has("HX-Redirect")) return location.assign(response.headers.get("HX-Redirect"));
    const { moves, error } = trouble ? { error: JSON.parse(trouble).toast.text } : await response.json();
    if (!moves) {
      toast({ text: error });
      return place(cards.map((card) => card.pod), null);
    }
    for (const move of moves) settled(move);
    for (const code of new Set(moves.filter((move) => move.ask).map((move) => move.code))) {
      queue(code, moves.filter((move) => move.code === code), cards, business, options);
    }
    const refused = moves.filter((move) => move.state === "refused" && !move.ask);
    const going = moves.filter((move) => move.state !== "refused");
    if (refused.length) toast({ level: "warning", text: refused.map((move) => move.words).join(" ") });
    if (going.length) toast({ level: "success", text: going.length > 1 ? says.dataset.going.replace("%s", going.length) : going[0].words });
    ask();
  }

  function settled({ pod, state, words }) {
    const card = cardOf(pod);
    card?.classList.remove("board-sent");
    if (state === "done") return;
    place([pod], null); // a drained pod stays where it serves until its requests have ended
    if (state !== "refused") return;
    card?.classList.add("board-refused");
    const why = card?.querySelector(".board-why") ?? card?.appendChild(document.createElement("div"));
    if (why) Object.assign(why, { className: "small text-yellow board-why", textContent: words });
  }

  function show(about, words, code) {
    open = about;
    const lines = words.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
    dialog.querySelector("[data-board-pods]").replaceChildren(...lines);
    for (const part of dialog.querySelectorAll("[data-board-for]")) part.hidden = part.disabled = part.dataset.boardFor !== code;
    const go = dialog.querySelector("[data-board-go]");
    go.textContent = code === "needs_force" ? go.dataset.wordsForce : go.dataset.wordsMove;
    dialog.showModal();
  }

  function queue(code, asked, cards, business, options) {
    const pods = new Set(asked.map((move) => move.pod));
    const words = [...new Set(asked.map((move) => move.words))];
    questions.push({ code, words, cards: cards.filter((card) => pods.has(card.pod)), business, options });
  }

  function ask() {
    if (!questions.length || dialog.open) return;
    const { code, words, ...about } = questions.shift();
    if (code === "needs_force") about.options = { ...about.options, force: "on" };
    show(about, words, code);
    form.elements.reason.value = about.options.reason ?? "";
    form.elements.reason.focus();
  }

  function menu(cards) {
    const here = new Set(cards.map((card) => card.origin));
    const choices = [...frame.querySelectorAll(".board-column")].filter((each) => !(here.size === 1 && here.has(each.dataset.business)));
    form.elements.to.replaceChildren(...choices.map((each) => new Option(each.dataset.words, each.dataset.business)));
    show({ cards }, cards.map((card) => card.pod), "move");
  }

  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    const { to: business = open.business, ...filled } = Object.fromEntries(new FormData(form));
    send(open.cards, business, { ...open.options, ...filled });
    form.reset();
  });
  dialog?.addEventListener("close", ask);
  dialog?.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return { send, menu, say, tell };
})();
