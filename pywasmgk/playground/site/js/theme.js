// Dark or light: what the system says, unless somebody has chosen.

export function theme(button) {
  const root = document.documentElement;
  const show = () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    button.setAttribute("aria-pressed", String(dark));
    return dark;
  };
  try {
    if (localStorage.theme) root.dataset.theme = localStorage.theme;
  } catch {
    // a page may be forbidden to keep anything
  }
  button.addEventListener("click", () => {
    root.dataset.theme = show() ? "light" : "dark";
    show();
    try {
      localStorage.theme = root.dataset.theme;
    } catch {}
  });
  show();
}
