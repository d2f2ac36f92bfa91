// Tabs: arrows go from one to the next, as the pattern for them asks.

export function tabs(...items) {
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const choose = (chosen, focus = false) => {
    for (const [at, tab] of items.entries()) {
      tab.setAttribute("aria-selected", String(at === chosen));
      tab.tabIndex = at === chosen ? 0 : -1;
      panel(tab).hidden = at !== chosen;
    }
    if (focus) items[chosen].focus();
  };
  for (const [at, tab] of items.entries()) {
    tab.addEventListener("click", () => choose(at));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) choose((at + by + items.length) % items.length, true);
    });
  }
  return choose;
}
