// Any value of a page as plain, bounded JSON, without secrets where that is asked for.

const FILTERED = "[Filtered]";
/** Names whose values are nobody's business. */
const WORDS = "pass(?:wor[dt]|wd|phrase)|secret|token|auth(?!or)|cookie|api[-_]?key|csrf|credit|card[-_]?n|cvv|ssn";
const SECRET = RegExp(WORDS, "i");
/** `?token=…`, bearer and basic credentials, JSON web tokens. */
const IN_TEXT = RegExp(
  `([?&#;][^=&#\\s]{0,40}(?:${WORDS})[^=&#\\s]{0,40}=)[^&#\\s]+|(\\b(?:bearer|basic) )[\\w.~+/=-]{8,}|\\beyJ[\\w-]+\\.[\\w-]+\\.[\\w-]*`,
  "gi",
);
const MAX_DEPTH = 5;
const MAX_ENTRIES = 50;
/** Values of one object, all levels together: reading more would hold up the page. */
const MAX_VALUES = 300;

/** A text without secrets. */
export const scrubText = (text: string): string =>
  text.replace(IN_TEXT, (_, name = "", scheme = "") => name + scheme + FILTERED);

/** Makes a value fit to be sent; never throws. Texts are cut at `limit` characters. */
export function plain(value: unknown, scrubs: boolean, limit = 2000, depth = 0, left = { n: MAX_VALUES }): unknown {
  try {
    if (typeof value == "string") return (scrubs ? scrubText(value) : value).slice(0, limit);
    if (value == null || typeof value == "boolean" || Number.isFinite(value)) return value;
    if (typeof value != "object") return String(value).slice(0, limit);
    if (value instanceof Error) return plain(`${value.name}: ${value.message}`, scrubs, limit);
    if (depth == MAX_DEPTH || left.n < 0) return "[…]";
    const inner = (it: unknown) => (left.n--, plain(it, scrubs, limit, depth + 1, left));
    if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map(inner);
    return Object.fromEntries(
      Object.keys(value)
        .slice(0, MAX_ENTRIES)
        .map((name) => [
          name,
          scrubs && SECRET.test(name) ? FILTERED : inner((value as Record<string, unknown>)[name]),
        ]),
    );
  } catch {
    return "[unreadable]";
  }
}

/** What `console` would print of its arguments, on one line or more. */
export const printed = (values: unknown[], scrubs: boolean): string =>
  values
    .map((value) => {
      const it = plain(value, scrubs);
      return typeof it == "string" ? it : `${JSON.stringify(it)}`;
    })
    .join(" ");
