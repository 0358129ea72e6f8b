// @ts-check
// Runs in the head, before the first paint, so that a chosen theme never flashes as the other one.
{
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // Storage may be blocked; then the system's theme stays.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
