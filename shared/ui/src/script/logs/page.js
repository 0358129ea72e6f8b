// @ts-check
// The log page as a whole: what belongs together is put together here.

/** Where the reader still is at the top, in pixels. */
const TOP_PX = 120;

/** What a search looks for as text, to mark it: words and phrases, but neither fields nor what must not be there.
 * @param {string} search @returns {string[]} */
function hitsOf(search) {
  const parts = search.match(/-?(?:[\w.]+:)?"[^"]*"|\S+/g) ?? [];
  return parts.flatMap((part) => {
    if (/^(AND|OR|NOT|NEAR)\b/.test(part) || /^[-/]/.test(part) || /^[\w.]+:/.test(part)) return [];
    const text = part.replace(/^[("]+|[)"*]+$/g, "").toLowerCase();
    return text.length > 1 ? [text] : [];
  });
}

/** Marks what was searched for in the rows in sight, without touching them.
 * @param {EntryList} list @param {string[]} words @returns {() => void} */
function hitMarker(list, words) {
  if (words.length === 0 || !("highlights" in CSS)) return () => {};
  let frame = 0;

  function mark() {
    frame = 0;
    /** @type {Range[]} */
    const hits = [];
    for (const row of list.shownRows()) {
      const text = row.querySelector(".text");
      if (!text) continue;
      const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const lower = (node.textContent ?? "").toLowerCase();
        for (const word of words) {
          for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
            const hit = new Range();
            hit.setStart(node, at);
            hit.setEnd(node, at + word.length);
            hits.push(hit);
          }
        }
      }
    }
    CSS.highlights.set("hit", new Highlight(...hits));
  }
  return () => {
    frame ||= requestAnimationFrame(mark);
  };
}

/** @param {string} name @returns {string | null} */
function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {HTMLElement} home @param {() => void} changed */
function enableWrap(home, changed) {
  const button = document.getElementById("wrap");
  if (!button) return;
  /** @param {boolean} isOn */
  function set(isOn) {
    home.classList.toggle("wrap", isOn);
    button?.setAttribute("aria-pressed", String(isOn));
    changed();
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    const isOn = !home.classList.contains("wrap");
    try {
      localStorage.setItem("wrap", isOn ? "on" : "off");
    } catch {
      // Storage may be blocked; the choice then lasts as long as the page.
    }
    set(isOn);
  });
  set((kept("wrap") ?? (innerWidth <= 760 ? "on" : "off")) === "on");
}

function enableForm() {
  const form = document.getElementById("ask");
  if (!(form instanceof HTMLFormElement)) return;
  // What is empty asks for nothing, and need not be in the address.
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData.entries()]) if (value === "") formData.delete(name);
  });
  // Boxes of containers that were not there at first, too.
  document.addEventListener("change", ({ target }) => target instanceof Element && target.matches("input[data-send]") && form.requestSubmit());
  document.getElementById("level")?.addEventListener("change", () => form.requestSubmit());
  const side = document.querySelector("details[data-side]");
  if (side instanceof HTMLDetailsElement) side.open = innerWidth > 1000;
}

/** @param {HTMLElement} main @param {HTMLElement | null} home */
function enableLogs(main, home) {
  enableForm();
  const hasList = home !== null && home.classList.contains("entries");
  if (!hasList || home.dataset.still !== undefined) {
    if (home) unfoldOnClick(main, home);
    writeClocks(document);
    document.getElementById("here")?.scrollIntoView({ block: "center" });
    // The first entry that fits makes this page another one.
    if (main.dataset.live !== undefined) {
      keepContainers(followTail(main, { isAtTop: () => true, show: () => location.reload(), gap: () => location.reload(), isNews: () => true }));
    }
    return;
  }
  const volume = enableVolume(main);
  const list = new EntryList(home, () => mark());
  const mark = hitMarker(list, hitsOf(new URLSearchParams(main.dataset.query).get("search") ?? ""));
  const goOn = loadOlder(main, list);
  const newest = Number(main.dataset.newest);
  const oldest = Date.parse(home.querySelector("li:last-child time")?.getAttribute("datetime") ?? "");

  unfoldOnClick(main, home);
  home.addEventListener("monlight:unfolded", mark);
  enableWrap(home, () => list.measure());
  writeClocks(home);
  home.classList.toggle("dated", /\D/.test(home.querySelector("time")?.textContent?.replace(/[\d:.,]/g, "") ?? ""));
  const tail = followTail(main, {
    isAtTop: () => scrollY < TOP_PX,
    // Stored while the page was made, it may be in the list, or belong further down.
    isNews: (entry) => !list.ids.has(entry.id) && (entry.id > newest || !(Date.parse(entry.time) < oldest)),
    show(entries) {
      countIn(list.prepend(entries));
      volume.renew();
      const last = list.trim();
      if (last) goOn(cursorOf(last));
    },
    gap(missed) {
      const text = `${missed.toLocaleString("en")} entries came too fast to be shown; load the page again to see them.`;
      const [first] = list.blocks;
      first?.element.prepend(make("li", "entry note warn", text));
    },
  });
  keepContainers(tail);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width !== innerWidth) list.measure();
    width = innerWidth;
  });
  document.addEventListener("monlight:zone", () => {
    zonedClock = clocks();
    writeClocks(home);
  });
}

const logsMain = document.querySelector("main");
if (logsMain) enableLogs(logsMain, document.getElementById("entries"));
