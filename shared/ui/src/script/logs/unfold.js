// @ts-check
// An entry unfolds in place: all of its message, its fields with links that filter by them, and what stood around it.

const MARK_WORDS = {
  cut: "The line was longer than is kept; its end is missing.",
  damaged: "Bytes that are no text were replaced.",
  lost: "Lines before this one were cut away before they could be read.",
};
/** Time before and after an entry, for "that minute". */
const AROUND_MS = 30_000;

/** A search for a field with this value. @param {string} name @param {string} value @returns {string} */
function termOf(name, value) {
  return /^[\p{L}\p{N}_.-]+$/u.test(value) ? `${name}:${value}` : `${name}:"${value.replaceAll('"', " ")}"`;
}

/** This page with a term added to its search. @param {HTMLElement} main @param {string} term @returns {string} */
function narrowed(main, term) {
  const search = new URLSearchParams(main.dataset.query ?? "");
  search.set("search", `${search.get("search") ?? ""} ${term}`.trim());
  return `${root || "./"}?${search}`;
}

/** @param {string} time @returns {{ from: string, to: string }} */
function minuteOf(time) {
  const at = Date.parse(time);
  return { from: new Date(at - AROUND_MS).toISOString(), to: new Date(at + AROUND_MS).toISOString() };
}

/** @param {string} className @param {string} text @param {string} href @param {string} [key] @returns {HTMLAnchorElement} */
function linkTo(className, text, href, key) {
  const link = make("a", className, text);
  link.href = href;
  if (key) link.dataset.key = key;
  return link;
}

/** @param {string} text @param {string} key @param {(button: HTMLButtonElement) => void} does @returns {HTMLButtonElement} */
function buttonFor(text, key, does) {
  const button = make("button", "", text);
  button.type = "button";
  button.dataset.key = key;
  button.addEventListener("click", () => does(button));
  return button;
}

/** @param {HTMLElement} main @param {{ name: string, value: string }[]} fields @returns {HTMLTableElement} */
function fieldsTable(main, fields) {
  const rows = fields.map(({ name, value }) => {
    const term = termOf(name, value);
    const only = linkTo("button", "Only", narrowed(main, term));
    const without = linkTo("button", "Without", narrowed(main, `-${term}`));
    only.setAttribute("aria-label", `Only ${term}`);
    without.setAttribute("aria-label", `Without ${term}`);
    const head = make("th", "", name);
    head.scope = "row";
    return make("tr", "", head, make("td", "", value), make("td", "do", only, " ", without));
  });
  return make("table", "fields", make("tbody", "", ...rows));
}

/** Copies by the clipboard, or as browsers did before it. @param {string} text @param {HTMLElement} shown @returns {Promise<boolean>} */
async function copyEntry(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const selection = getSelection();
    selection?.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}

/** What the container said around it, in place. @param {HTMLElement} panel @param {number} id */
async function showAround(panel, id) {
  const old = panel.querySelector(".around");
  if (old) return old.remove();
  const found = await ask(api(`logs/${id}/context`, "", { before: 15, after: 15, max_chars: ROW_CHARS }));
  const here = rowOf(found.entry);
  here.classList.add("here");
  const rows = [...found.before.map(rowOf), here, ...found.after.map(rowOf)];
  for (const row of rows) delete row.dataset.row;
  panel.append(make("ol", "around", ...rows));
}

/** @param {HTMLElement} main @param {HTMLElement} row @param {Entry & { fields: { name: string, value: string }[] }} entry @returns {HTMLElement} */
function panelOf(main, row, entry) {
  const panel = make("div", "unfolded");
  for (const mark of entry.marks ?? []) {
    panel.append(make("p", "note warn", MARK_WORDS[/** @type {keyof typeof MARK_WORDS} */ (mark)] ?? mark));
  }
  if (entry.fields.length > 0) panel.append(fieldsTable(main, entry.fields));
  const { from, to } = minuteOf(entry.time);
  const actions = make(
    "p",
    "actions",
    buttonFor("Copy", "c", async (button) => {
      const text = row.querySelector(".text");
      const isCopied = text instanceof HTMLElement && (await copyEntry(entry.message, text));
      button.textContent = isCopied ? "Copied" : "Selected";
      setTimeout(() => (button.textContent = "Copy"), 1600);
    }),
    buttonFor("Around it", "x", () => showAround(panel, entry.id).catch(() => {})),
    linkTo("button", "Link to it", `${root}logs/${entry.id}`),
    linkTo("button", `Only ${entry.container}`, `${root || "./"}?${new URLSearchParams({ container: entry.container })}`),
    linkTo("button", "All logs of that minute", `${root || "./"}?${new URLSearchParams({ from, to })}`),
  );
  const errors = main.dataset.errors;
  if (errors) {
    actions.append(linkTo("button", "Errors of that minute", `${errors}?${new URLSearchParams({ resolved: "all", at: entry.time })}`));
  }
  panel.append(actions);
  return panel;
}

/** Then says `monlight:unfolded`. @param {HTMLElement} main @param {HTMLElement} row */
async function toggleRow(main, row) {
  const link = row.querySelector("a[data-row-link]");
  if (row.classList.contains("open")) {
    row.classList.remove("open");
    row.querySelector(".unfolded")?.remove();
    link?.setAttribute("aria-expanded", "false");
    return;
  }
  row.classList.add("open");
  link?.setAttribute("aria-expanded", "true");
  try {
    const entry = await ask(api(`logs/${row.dataset.id}`, "", {}));
    if (!row.classList.contains("open") || row.querySelector(".unfolded")) return;
    row.querySelector(".text")?.replaceWith(textOf(entry));
    row.append(panelOf(main, row, entry));
    row.dispatchEvent(new CustomEvent("monlight:unfolded", { bubbles: true }));
  } catch (error) {
    row.append(make("div", "unfolded", make("p", "note bad", error instanceof Error ? error.message : String(error))));
  }
}

/** @param {HTMLElement} main @param {HTMLElement} home */
function unfoldOnClick(main, home) {
  home.addEventListener("click", (event) => {
    const { target } = event;
    if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = target.closest("li[data-row]");
    if (!(row instanceof HTMLElement) || !row.dataset.id || target.closest(".unfolded")) return;
    const link = target.closest("a, button");
    if (link && !link.matches("[data-row-link]")) return;
    if (link) event.preventDefault();
    // Who selects text in an open entry does not want it closed.
    else if (getSelection()?.isCollapsed === false || (row.classList.contains("open") && target.closest(".text"))) return;
    toggleRow(main, row);
  });
}
