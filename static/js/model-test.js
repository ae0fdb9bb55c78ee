// The Model Testing card: keeps what somebody typed whatever is pushed, fills in the model, sends and stops.
"use strict";

(() => {
  const card = document.getElementById("model-test");
  const at = (name) => document.getElementById(`test-${name}`);
  const word = (name, value) => card.dataset[`word${name}`].replace("%s", value);
  const presets = JSON.parse(card.dataset.presets);
  const headers = { "X-CSRFToken": card.querySelector("[name=csrfmiddlewaretoken]").value, "Content-Type": "application/json" };
  let running = null; // the call's AbortController
  let asked = 0; // counts questions for models, so that a late answer is not taken for another service's

  const address = (path) => `${card.dataset.proxy}${at("service").value.split("/").map(encodeURIComponent).join("/")}/proxy/${path.replace(/^\//, "")}`;
  const found = () => [...document.querySelectorAll("#test-services [data-service]")];

  // The list is pushed; the choice is the person's, so a service that went stays chosen until they choose another.
  function services() {
    const select = at("service");
    const chosen = select.value;
    const options = found().map(({ dataset }) => new Option(`${dataset.service} · ${word("Ready", dataset.ready)}`, dataset.service));
    if (!options.some((option) => option.value === chosen)) options.unshift(new Option(chosen || word(options.length ? "Choose" : "None"), chosen));
    if (options.map((each) => each.text).join() === [...select.options].map((each) => each.text).join()) return;
    select.replaceChildren(...options);
    select.value = chosen;
    judge();
  }

  async function model() {
    const mine = (asked += 1);
    const engine = found().find(({ dataset }) => dataset.service === at("service").value)?.dataset.engine;
    at("model-hint").textContent = word("Asking");
    try {
      const answer = await fetch(address(engine === "ollama" ? "api/tags" : "v1/models"), { headers });
      const body = await answer.json();
      if (mine !== asked) return;
      const name = engine === "ollama" ? body.models?.[0]?.name : body.data?.[0]?.id;
      at("model-hint").textContent = name ? "" : word("Silent", body.detail || answer.status);
      if (name) put(name);
    } catch (error) {
      if (mine === asked) at("model-hint").textContent = word("Silent", error.message);
    }
  }

  // The model's name goes into the payload, when that can be read; the rest of it stays as it was typed.
  function put(name) {
    at("model").value = name;
    try {
      const payload = JSON.parse(at("payload").value);
      if (!("model" in payload) || payload.model === name) return;
      at("payload").value = JSON.stringify({ ...payload, model: name }, null, 2);
    } catch {
      return; // half-typed: left alone
    }
  }

  function begin(name) {
    const preset = presets.find((each) => each.name === name);
    at("path").value = preset.path;
    at("method").value = preset.payload ? "POST" : "GET";
    if (preset.payload) at("payload").value = JSON.stringify({ model: at("model").value, ...preset.payload }, null, 2);
    card.querySelectorAll("[data-preset]").forEach((each) => each.setAttribute("aria-pressed", each.dataset.preset === name));
    [at("path-problem"), at("payload-problem")].forEach((place) => place.replaceChildren());
    judge();
  }

  function judge() {
    at("body").hidden = at("method").value === "GET";
    at("stop").disabled = !running;
    if (!("forbidden" in at("send").dataset)) at("send").disabled = Boolean(running) || !at("service").value;
  }

  async function send() {
    const body = at("method").value === "GET" ? undefined : at("payload").value;
    running = new AbortController();
    at("result").hidden = false;
    ModelAnswer.show({ status: "…", pod: "", text: "" });
    judge();
    try {
      await ModelAnswer.ask(address(at("path").value), { method: at("method").value, headers, body, signal: running.signal });
    } catch (error) {
      at("facts").textContent += ` · ${word(error.name === "AbortError" ? "Stopped" : "Broken")}`;
    }
    running = null;
    judge();
  }

  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running && at("service").value) send();
  });
  at("stop").addEventListener("click", () => running?.abort());
  at("service").addEventListener("change", () => (judge(), model()));
  at("method").addEventListener("change", judge);
  at("model").addEventListener("change", () => put(at("model").value));
  card.addEventListener("click", (event) => event.target.dataset.preset && begin(event.target.dataset.preset));
  document.addEventListener("htmx:oobAfterSwap", services);
  services();
  begin("chat");
})();
