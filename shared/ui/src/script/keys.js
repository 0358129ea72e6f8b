// @ts-check
// Single-key shortcuts: `/` search, `j` `k` along the rows, `?` help; any other key presses the first visible
// element with that key in data-key. Off while typing, with Ctrl, Alt or Meta, and by the switch in the help.

const help = document.querySelector("dialog[data-help]");
const keysSwitch = document.querySelector("input[data-keys-switch]");
let keysOn = setting("keys") !== "off";

/** @param {EventTarget | null} target @returns {boolean} */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"));
}

/** Focuses the link of the next or previous row. @param {1 | -1} step @returns {boolean} */
function stepRow(step) {
  const links = [...document.querySelectorAll("[data-row] a[data-row-link]")];
  const current = links.findIndex((link) => link.closest("[data-row]")?.contains(document.activeElement));
  const next = links[current < 0 ? 0 : Math.min(Math.max(current + step, 0), links.length - 1)];
  if (!(next instanceof HTMLElement)) return false;
  next.focus();
  next.closest("[data-row]")?.scrollIntoView({ block: "nearest" });
  return true;
}

/** Within the focused row first, else on the page. @param {string} key @returns {boolean} */
function press(key) {
  const row = document.activeElement?.closest("[data-row]");
  const name = `[data-key="${CSS.escape(key)}"]`;
  const target = row?.querySelector(name) ?? document.querySelector(`${name}:not([data-row] *)`);
  if (!(target instanceof HTMLElement)) return false;
  // What stands in a form that is not shown now, such as the one for all that is ticked, is not meant.
  if (target.closest("form")?.getClientRects().length === 0) return false;
  target.click();
  // A menu that opens is walked along from here.
  if (target.matches("summary")) target.focus();
  return true;
}

/** @param {string} key @returns {boolean} Whether the key did something. */
function shortcut(key) {
  if (key === "j") return stepRow(1);
  if (key === "k") return stepRow(-1);
  if (key === "?") {
    if (help instanceof HTMLDialogElement) help.showModal();
    return true;
  }
  if (key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search instanceof HTMLInputElement) search.select();
    return search !== null;
  }
  return press(key);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.key === "Escape" && isTyping(event.target)) {
    if (event.target instanceof HTMLElement) event.target.blur();
    return;
  }
  const helpIsOpen = help instanceof HTMLDialogElement && help.open;
  if (!keysOn || helpIsOpen || isTyping(event.target) || event.key.length > 1) return;
  if (shortcut(event.key)) event.preventDefault();
});

if (keysSwitch instanceof HTMLInputElement) {
  keysSwitch.checked = keysOn;
  keysSwitch.addEventListener("change", () => {
    keysOn = keysSwitch.checked;
    keepSetting("keys", keysOn ? null : "off");
  });
}

const helpButton = document.querySelector("[data-help-button]");
if (helpButton instanceof HTMLButtonElement && help instanceof HTMLDialogElement) {
  helpButton.hidden = false;
  helpButton.addEventListener("click", () => help.showModal());
  help.addEventListener("click", (event) => event.target === help && help.close());
}
