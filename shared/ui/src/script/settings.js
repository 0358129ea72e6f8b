// @ts-check
// What a reader may choose, kept in this browser: theme, single-key shortcuts. Also the login form's "show the key".

/** @param {string} name @returns {string | null} */
function setting(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string | null} value None goes back to the default. */
function keepSetting(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Storage may be blocked; the choice then lasts as long as the page.
  }
}

const THEMES = ["system", "light", "dark"];
const themeButton = document.querySelector("[data-theme-button]");

/** @param {string} theme One of THEMES. */
function showTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton?.setAttribute("aria-label", `Theme: ${theme}`);
  themeButton?.setAttribute("title", `Theme: ${theme}`);
}

if (themeButton instanceof HTMLButtonElement) {
  themeButton.hidden = false;
  let theme = document.documentElement.dataset.theme ?? "system";
  showTheme(theme);
  themeButton.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
    keepSetting("theme", theme === "system" ? null : theme);
    showTheme(theme);
  });
}

for (const label of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(label.getAttribute("data-reveal") ?? "");
  const box = label.querySelector("input");
  if (!(label instanceof HTMLElement) || !(field instanceof HTMLInputElement) || !box) continue;
  label.hidden = false;
  box.addEventListener("change", () => (field.type = box.checked ? "text" : "password"));
}
