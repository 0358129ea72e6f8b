// @ts-check
// <details class="menu"> closes with Escape, and when one goes on elsewhere.

/** @param {(menu: HTMLDetailsElement) => boolean} isMeant */
function closeMenus(isMeant) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(menu instanceof HTMLDetailsElement) || !isMeant(menu)) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary")?.focus();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(() => true);
});
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target instanceof Node) closeMenus((menu) => !menu.contains(target));
});
