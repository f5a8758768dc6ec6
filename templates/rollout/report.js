(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("floodway-theme"); } catch { return null; } };
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const label = () => {
    button.textContent = theme() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", theme() === "dark" ? "Use light colours" : "Use dark colours");
  };
  const toggle = () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("floodway-theme", root.dataset.theme); } catch { /* a page of a file has no store */ }
    label();
  };
  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  label();
  dark.addEventListener("change", label);
  button.addEventListener("click", toggle);
  document.getElementById("print").addEventListener("click", () => print());

  const phases = [...document.querySelectorAll("section.phase")];
  const here = () => {
    const focused = document.activeElement && document.activeElement.closest("section.phase");
    if (focused) return phases.indexOf(focused);
    return phases.findLastIndex((phase) => phase.getBoundingClientRect().top < 90);
  };
  const go = (by) => {
    const phase = phases[Math.min(Math.max(here() + by, 0), phases.length - 1)];
    if (!phase) return;
    phase.focus({ preventScroll: true });
    phase.scrollIntoView({ block: "start" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const scrolls = event.target.closest && event.target.closest(".scroll");
    if (event.key === "j" || (event.key === "ArrowRight" && !scrolls)) go(1);
    else if (event.key === "k" || (event.key === "ArrowLeft" && !scrolls)) go(-1);
    else if (event.key === "t") toggle();
    else if (event.key === "Enter" && phases.includes(event.target)) {
      const all = [...event.target.querySelectorAll("details")];
      const open = all.some((one) => !one.open);
      for (const one of all) one.open = open;
    } else return;
    event.preventDefault();
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
})();
