// One call of a model: reads the answer as it comes, tells the words of a stream from whole JSON, measures, shows.
"use strict";

const ModelAnswer = (() => {
  const MOST = 200_000; // characters shown: more would make the page slow

  // The text that one event of a chat or completion stream adds.
  function added(data) {
    if (data === "[DONE]") return "";
    try {
      const choice = (JSON.parse(data).choices || [])[0] || {};
      const delta = choice.delta || {};
      return delta.content || delta.reasoning_content || choice.text || "";
    } catch {
      return ""; // half an event at the end of a broken stream
    }
  }

  function pretty(text) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }

  function problem(text) {
    try {
      return JSON.parse(text).detail || text;
    } catch {
      return text;
    }
  }

  const at = (name) => document.getElementById(`test-${name}`);
  const word = (name, value) => document.getElementById("model-test").dataset[`word${name}`].replace("%s", value);
  const seconds = (from) => (performance.now() - from) / 1000;

  // {status, pod, text, first, rate, whole, cut}; times in seconds.
  function show(state) {
    const answer = at("answer");
    const low = answer.scrollHeight - answer.scrollTop - answer.clientHeight < 40;
    at("status").textContent = state.status;
    at("status").className = `badge ${state.status < 400 ? "bg-green-lt" : "bg-red-lt"}`;
    at("pod").textContent = state.pod;
    const facts = [state.first && word("First", state.first.toFixed(2)), state.rate && word("Rate", state.rate.toFixed(1)), state.whole && word("Whole", state.whole.toFixed(2)), state.cut && word("Cut")];
    at("facts").textContent = facts.filter(Boolean).join(" · ") || word("Running");
    answer.textContent = state.text;
    at("copy").dataset.copy = state.text;
    if (low) answer.scrollTop = answer.scrollHeight;
  }

  // Ask, and show the answer's state as it changes.
  async function ask(url, options) {
    const from = performance.now();
    const answer = await fetch(url, options);
    const state = { status: answer.status, pod: answer.headers.get("X-Served-By") || "", text: "", first: null, rate: null, whole: null, cut: false };
    const streams = (answer.headers.get("Content-Type") || "").startsWith("text/event-stream");
    show(state);
    let rest = "";
    let tokens = 0;
    for await (const chunk of chunks(answer.body)) {
      rest += chunk;
      if (!streams) continue;
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines.filter((each) => each.startsWith("data: "))) {
        const words = added(line.slice(6).trim());
        if (!words) continue;
        tokens += 1;
        state.first ??= seconds(from);
        state.cut ||= state.text.length > MOST;
        if (!state.cut) state.text += words;
      }
      const since = seconds(from) - state.first;
      if (tokens > 1 && since > 0) state.rate = (tokens - 1) / since;
      show(state);
    }
    if (!streams) {
      const body = answer.ok ? pretty(rest) : (answer.headers.get("Content-Type") || "").startsWith("application/problem+json") ? problem(rest) : pretty(rest);
      state.text = body.slice(0, MOST);
      state.cut = body.length > MOST;
    }
    state.whole = seconds(from);
    show(state);
  }

  async function* chunks(body) {
    const reader = body.getReader();
    const text = new TextDecoder();
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield text.decode(part.value, { stream: true });
  }

  return { ask, show };
})();
