// @ts-check
// <select data-submit> and its like send their form when they change, and its [data-submit-button] is not needed then.
// A form whose fields tell what the page shows says autocomplete="off", so that Back does not leave another choice in it.

for (const field of document.querySelectorAll("[data-submit]")) {
  if (!(field instanceof HTMLSelectElement || field instanceof HTMLInputElement)) continue;
  const button = field.form?.querySelector("[data-submit-button]");
  if (button instanceof HTMLButtonElement) button.hidden = true;
  field.addEventListener("change", () => field.form?.requestSubmit());
}

// Fields that say nothing stay out of the URL.
for (const form of document.querySelectorAll("form.query, form.bar-form")) {
  if (!(form instanceof HTMLFormElement)) continue;
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}

// The same for a page that the browser kept whole.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const form of document.querySelectorAll("form[method=get][autocomplete=off]")) if (form instanceof HTMLFormElement) form.reset();
});
