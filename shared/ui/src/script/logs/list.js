// @ts-check
// Many entries in a page that stays light: rows stand in blocks, and only the blocks near the window have rows in
// them. A block out of sight keeps its height.

/** Few enough to be made within a frame. */
const BLOCK_ROWS = 100;
/** More are let go at the far end, and loaded again when somebody goes there. */
const MAX_ROWS = 200_000;
/** How far beyond the window rows are made. */
const MARGIN = "120% 0px";

/** A row that exists keeps its element where the reader changed it, or where the server made it.
 * @typedef {{ id: number, entry: Entry | null, element: HTMLLIElement | null }} Row */
/** @typedef {{ element: HTMLOListElement, rows: Row[], isShown: boolean }} Block */

class EntryList {
  /** @param {HTMLElement} home Holds a block of rows that the server made. @param {() => void} changed */
  constructor(home, changed) {
    this.home = home;
    this.changed = changed;
    /** @type {Block[]} */
    this.blocks = [];
    /** @type {Map<Element, Block>} */
    this.byElement = new Map();
    this.count = 0;
    /** Ids, to see what came twice. @type {Set<number>} */
    this.ids = new Set();
    this.rowHeight = 24;
    this.sight = new IntersectionObserver((seen) => this.look(seen), { rootMargin: MARGIN });
    for (const element of home.querySelectorAll("ol.block")) {
      if (element instanceof HTMLOListElement) this.adopt(element);
    }
  }

  /** Takes over a block of the server's, its rows as they are. @param {HTMLOListElement} element */
  adopt(element) {
    const rows = [...element.children].flatMap((row) =>
      row instanceof HTMLLIElement ? [{ id: Number(row.dataset.id), entry: null, element: row }] : [],
    );
    this.add({ element, rows, isShown: true }, this.blocks.length);
  }

  /** Adds older entries at the end. @param {Entry[]} entries The newest first. */
  append(entries) {
    for (let from = 0; from < entries.length; from += BLOCK_ROWS) {
      const block = this.made(entries.slice(from, from + BLOCK_ROWS));
      this.home.append(block.element);
      this.add(block, this.blocks.length);
    }
  }

  /** Adds new entries at the top. @param {Entry[]} entries The newest first. @returns {Entry[]} Those that are new here. */
  prepend(entries) {
    const news = entries.filter((entry) => !this.ids.has(entry.id));
    const [first] = this.blocks;
    const rows = news.map(rowFor);
    if (first?.isShown && first.rows.length + rows.length <= BLOCK_ROWS) {
      first.rows.unshift(...rows);
      first.element.prepend(...rows.map((row) => elementOf(row, true)));
      this.count += rows.length;
      for (const row of rows) this.ids.add(row.id);
    } else {
      for (let to = news.length; to > 0; to -= BLOCK_ROWS) {
        const block = this.made(news.slice(Math.max(0, to - BLOCK_ROWS), to));
        this.home.prepend(block.element);
        this.add(block, 0);
      }
    }
    this.changed();
    return news;
  }

  /** Lets go of the far end where there is too much. @returns {Entry | null} The last that is left, if so. */
  trim() {
    if (this.count <= MAX_ROWS) return null;
    while (this.count > MAX_ROWS * 0.9) {
      const block = this.blocks.pop();
      if (!block) break;
      this.sight.unobserve(block.element);
      this.byElement.delete(block.element);
      block.element.remove();
      this.count -= block.rows.length;
      for (const row of block.rows) this.ids.delete(row.id);
    }
    return this.blocks.at(-1)?.rows.at(-1)?.entry ?? null;
  }

  /** Rows have another height by now, as after wrapping: what is out of sight is guessed from what is in sight. */
  measure() {
    const shown = this.blocks.filter((block) => block.isShown && block.rows.length > 0);
    const height = shown.reduce((sum, block) => sum + block.element.offsetHeight, 0);
    const rows = shown.reduce((sum, block) => sum + block.rows.length, 0);
    if (rows > 0) this.rowHeight = height / rows;
    for (const block of this.blocks) if (!block.isShown) this.reserve(block, block.rows.length * this.rowHeight);
  }

  /** All rows that have an element by now. @returns {HTMLLIElement[]} */
  shownRows() {
    return this.blocks.flatMap((block) => (block.isShown ? block.rows.flatMap((row) => row.element ?? []) : []));
  }

  /** @param {Entry[]} entries @returns {Block} */
  made(entries) {
    const block = { element: make("ol", "block"), rows: entries.map(rowFor), isShown: false };
    this.reserve(block, entries.length * this.rowHeight);
    return block;
  }

  /** @param {Block} block @param {number} at */
  add(block, at) {
    this.blocks.splice(at, 0, block);
    this.byElement.set(block.element, block);
    this.count += block.rows.length;
    for (const row of block.rows) this.ids.add(row.id);
    this.sight.observe(block.element);
  }

  /** @param {IntersectionObserverEntry[]} seen */
  look(seen) {
    const blocks = seen.map((it) => ({ block: this.byElement.get(it.target), isNear: it.isIntersecting }));
    // All heights are read before any is changed, so the page is laid out once.
    const heights = blocks.map(({ block, isNear }) => (block?.isShown && !isNear ? block.element.offsetHeight : 0));
    blocks.forEach(({ block, isNear }, i) => {
      if (block && isNear && !block.isShown) this.show(block);
      else if (block?.isShown && !isNear && !block.element.contains(document.activeElement)) this.hide(block, heights[i] ?? 0);
    });
    this.changed();
  }

  /** @param {Block} block */
  show(block) {
    block.isShown = true;
    block.element.replaceChildren(...block.rows.map((row) => elementOf(row, false)));
    block.element.style.height = "";
  }

  /** @param {Block} block @param {number} height */
  hide(block, height) {
    block.isShown = false;
    this.reserve(block, height);
    block.element.replaceChildren();
    for (const row of block.rows) if (row.entry && !row.element?.classList.contains("open")) row.element = null;
  }

  /** @param {Block} block @param {number} height */
  reserve(block, height) {
    block.element.style.height = `${height}px`;
  }
}

/** @param {Entry} entry @returns {Row} */
function rowFor(entry) {
  return { id: entry.id, entry, element: null };
}

/** @param {Row} row @param {boolean} isFresh @returns {HTMLLIElement} */
function elementOf(row, isFresh) {
  const made = row.element ?? (row.entry ? rowOf(row.entry) : make("li", "entry"));
  row.element = made;
  made.classList.toggle("fresh", isFresh);
  return made;
}
