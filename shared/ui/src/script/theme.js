// @ts-check
// Runs in the head, before the first paint, so that a chosen theme never flashes as the other one, nor a chosen zone.
{
  let theme = null;
  let zone = null;
  try {
    theme = localStorage.getItem("theme");
    zone = localStorage.getItem("zone");
  } catch {
    // Storage may be blocked; then the system's theme and the reader's own zone stay.
  }
  if (zone === "UTC") document.documentElement.dataset.zone = zone;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
