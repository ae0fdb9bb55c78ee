// The page's one socket: joins what stands on the page, says how old the page is, comes back after a break.
// htmx's ws extension opens it, reconnects and swaps the frames in; live-guard.js decides what may be swapped now.
"use strict";

const Live = (() => {
  const SILENT_SECONDS = 15; // the server beats every 5 s
  const ENDED = new Set([4400, 4401, 4403, 4404, 4429]);
  const COMES_BACK = new Set([1006, 1011, 1012, 1013]); // by htmx itself; after any other close by us
  const joined = new Map(); // element id -> the token that the server knows
  let newest = null; // the WebSocket that counts; one that was given up may close much later
  let socket = null; // its wrapper, set while it is open
  let heard = Date.now();
  let hearing = false;
  let ended = 0;

  const home = () => document.getElementById("live-socket");

  function cursorOf(element) {
    if (!("cursor" in element.dataset)) return null;
    const last = element.querySelector(":scope > [data-cursor]:last-child");
    return Number((last || element).dataset.cursor);
  }

  // Tell the server what the page shows now: parts that came with a swap are joined, parts that went are left.
  function sync() {
    if (!socket) return;
    const parts = [...document.querySelectorAll("[data-live][id]")];
    const here = new Set(parts.map((part) => part.id));
    const leave = [...joined.keys()].filter((id) => !here.has(id));
    const fresh = parts.filter((part) => joined.get(part.id) !== part.dataset.live);
    if (!leave.length && !fresh.length) return;
    leave.forEach((id) => joined.delete(id));
    fresh.forEach((part) => joined.set(part.id, part.dataset.live));
    const join = fresh.map((part) => [part.dataset.live, cursorOf(part)]);
    socket.send(JSON.stringify({ leave, join }), null);
  }

  // Ask for one part anew: whole for a fragment, from its cursor for a stream.
  function again(part) {
    joined.delete(part.id);
    sync();
  }

  // A frame may be under way for what a swap took off the page, or for a row of a part that waits to be asked anew.
  // htmx calls that an error; it is none.
  const placeOf = (element) => element.getAttribute("hx-swap-oob").split(":")[1] || `#${CSS.escape(element.id)}`;

  function present(text) {
    const frame = document.createElement("template");
    frame.innerHTML = text;
    const gone = [...frame.content.children].filter((each) => !document.querySelector(placeOf(each)));
    gone.forEach((each) => each.remove());
    return gone.length ? frame.innerHTML : text;
  }

  function show() {
    const place = document.getElementById("live-state");
    const words = home() && home().dataset;
    if (!place || !words) return;
    const age = Math.round((Date.now() - heard) / 1000);
    const state = ended === 4401 ? "login" : ended ? "reload" : !socket ? "connecting" : hearing ? "on" : "delayed";
    if (place.dataset.state !== state) {
      place.dataset.state = state;
      const [word, count] = [document.createElement("span"), document.createElement("span")];
      word.textContent = words[`words${state[0].toUpperCase()}${state.slice(1)}`];
      count.setAttribute("aria-hidden", "true"); // a screen reader hears the state, not every second
      place.replaceChildren(word, count);
    }
    place.lastChild.textContent = ended ? "" : ` · ${words.wordsAgo.replace("%s", age)}`;
  }

  document.addEventListener("htmx:wsOpen", (event) => {
    socket = event.detail.socketWrapper;
    heard = Date.now();
    ended = 0;
    joined.clear();
    sync();
    show();
  });
  document.addEventListener("htmx:wsClose", (event) => {
    const { event: closed, socketWrapper } = event.detail;
    if (closed.target !== newest) return;
    socket = null;
    hearing = false;
    if (ENDED.has(closed.code)) ended = closed.code;
    else if (!COMES_BACK.has(closed.code)) setTimeout(() => newest === closed.target && socketWrapper.reconnect(), delay(0));
    show();
  });
  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    heard = Date.now();
    if (!event.detail.message.startsWith("{")) return;
    event.preventDefault();
    hearing = JSON.parse(event.detail.message).beat.hearing;
    show();
  });
  document.addEventListener("htmx:afterSettle", sync);
  setInterval(() => {
    show();
    const silent = (Date.now() - heard) / 1000 > SILENT_SECONDS;
    if (!socket || !silent) return;
    const deaf = socket; // nothing comes through any more, though nobody closed it
    socket = null;
    deaf.reconnect();
  }, 1000);
  const delay = (count) => 200 + Math.random() * Math.min(15000, 1000 * 2 ** Math.min(count, 6));
  document.addEventListener("DOMContentLoaded", () => { // htmx loads after us
    htmx.config.wsReconnectDelay = delay;
    htmx.createWebSocket = (url) => (newest = new WebSocket(url));
    htmx.defineExtension("live-frames", { transformResponse: present });
  });
  return { again, cursorOf, sync };
})();
