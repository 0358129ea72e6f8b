// @ts-check
// Buttons that copy the text of another element: <button data-copy="its id">.

/** The old way, for pages over plain HTTP, where browsers give no clipboard.
 * @param {Element} source @returns {boolean} */
function copySelected(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = getSelection();
  selection?.removeAllRanges();
  selection?.addRange(range);
  const copied = document.execCommand("copy");
  if (copied) selection?.removeAllRanges();
  return copied;
}

/** @param {Element} source @returns {Promise<boolean>} */
async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    return true;
  } catch {
    return copySelected(source);
  }
}

/** @param {ParentNode} root */
function enableCopy(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const source = document.getElementById(button.dataset.copy ?? "");
    if (!source) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.textContent = (await copyText(source)) ? "Copied" : "Selected";
      setTimeout(() => (button.textContent = "Copy"), 1600);
    });
  }
}

enableCopy(document);
document.addEventListener("monlight:fresh", (event) => event.target instanceof Element && enableCopy(event.target));
