// @ts-check
// The range picker: its fields show the reader's zone and are sent as UTC, a range pasted into one of them fills both,
// and the range goes along to the other services even over pages that have none.

/** `2026-11-28 07:00:00` in the zone of now. @param {Date} date @returns {string} */
function fieldOf(date) {
  const shift = inUtc() ? 0 : date.getTimezoneOffset() * 60_000;
  return new Date(date.getTime() - shift).toISOString().slice(0, 19).replace("T", " ");
}

/** A plain date and time, as the field shows one, in the zone of now, made UTC; anything else is for the server.
 * @param {string} text @returns {string} */
function sentOf(text) {
  const plain = /^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?$/.exec(text.trim())?.[0].replace(" ", "T");
  if (!plain || inUtc()) return text;
  const date = new Date(plain.includes("T") ? plain : `${plain}T00:00`);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}

/** Begin and end, if `text` is a whole range: `… to …`, `… – …`, `…/…`, or an address with from and to.
 * @param {string} text @returns {[string, string] | null} */
function bothOf(text) {
  const from = /[?&]from=([^&#]+)/.exec(text)?.[1];
  const to = /[?&]to=([^&#]+)/.exec(text)?.[1];
  if (from && to) return [decodeURIComponent(from), decodeURIComponent(to)];
  const [first, second, ...more] = text.trim().split(/\s+(?:to|–|-)\s+|\//);
  return first && second && more.length === 0 ? [first, second] : null;
}

/** @param {HTMLFormElement} form */
function enableRange(form) {
  const fields = [...form.querySelectorAll("input[data-time]")].filter((it) => it instanceof HTMLInputElement);
  const [from, to] = fields;
  const zone = form.querySelector("[data-range-zone]");

  function fill() {
    for (const field of fields) field.value = fieldOf(new Date(field.dataset.time ?? ""));
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) zone.textContent = inUtc() ? "Times are UTC." : `Times are those of ${name}.`;
  }

  for (const field of fields) {
    field.addEventListener("paste", (event) => {
      const both = bothOf(event.clipboardData?.getData("text") ?? "");
      if (!both || !from || !to) return;
      event.preventDefault();
      [from.value, to.value] = both;
    });
  }
  form.addEventListener("formdata", ({ formData }) => {
    for (const field of fields) formData.set(field.name, sentOf(field.value));
  });
  document.addEventListener("monlight:zone", fill);
  fill();
}

/** @param {HTMLButtonElement} button */
function enableZone(button) {
  const write = () => (button.textContent = inUtc() ? "Show times in my zone" : "Show times in UTC");
  button.hidden = false;
  button.addEventListener("click", () => {
    if (inUtc()) delete document.documentElement.dataset.zone;
    else document.documentElement.dataset.zone = "UTC";
    keepSetting("zone", inUtc() ? "UTC" : null);
    document.dispatchEvent(new CustomEvent("monlight:zone"));
    write();
  });
  write();
}

/** The range of this page, or the last one seen here in this tab. @returns {string} `range=6h`, or empty. */
function rangeOfTab() {
  const own = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (["range", "from", "to"].includes(name) && value) own.set(name, value);
  }
  try {
    if (own.size > 0) sessionStorage.setItem("range", own.toString());
    return sessionStorage.getItem("range") ?? "";
  } catch {
    return own.toString();
  }
}

function keepRange() {
  const range = new URLSearchParams(rangeOfTab());
  for (const link of document.querySelectorAll("nav.services a, nav.sections a")) {
    if (!(link instanceof HTMLAnchorElement)) continue;
    const url = new URL(link.href);
    if (["range", "from", "to"].some((name) => url.searchParams.has(name))) continue;
    for (const [name, value] of range) url.searchParams.set(name, value);
    link.href = url.href;
  }
}

for (const form of document.querySelectorAll("form[data-range-form]")) {
  if (form instanceof HTMLFormElement) enableRange(form);
}
for (const button of document.querySelectorAll("button[data-zone-button]")) {
  if (button instanceof HTMLButtonElement) enableZone(button);
}
keepRange();
