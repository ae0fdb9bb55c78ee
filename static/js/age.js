// Ages: <time data-age datetime="..."> says "3 h", and the exact time on hover. Rows stay the same for everybody.
"use strict";

(() => {
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const style = (unit) => ({ style: "unit", unit, unitDisplay: "narrow" });
  const words = new Map(UNITS.map(([unit]) => [unit, new Intl.NumberFormat(document.documentElement.lang, style(unit))]));

  function say(element) {
    const seconds = Math.max(0, (Date.now() - Date.parse(element.dateTime)) / 1000);
    const [unit, size] = UNITS.find(([, each]) => seconds >= each * 2) ?? UNITS[3];
    const text = words.get(unit).format(Math.floor(seconds / size));
    if (element.textContent !== text) element.textContent = text;
  }

  const all = () => document.querySelectorAll("time[data-age]").forEach(say);
  for (const name of ["htmx:load", "htmx:afterSettle", "htmx:oobAfterSwap"]) {
    document.addEventListener(name, all);
  }
  setInterval(all, 5000);
  all();
})();
