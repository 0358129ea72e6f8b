// The page: reports what breaks to the relay, and has a button that breaks.

import { totalOfCart } from "./cart.ts";

declare const RELAY: { url: string; key: string };

addEventListener("error", async ({ error }) => {
  const answer = await fetch(`${RELAY.url}/api/browser/errors`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Monlight-Key": RELAY.key },
    body: JSON.stringify({
      type: error.name,
      message: error.message,
      stack: error.stack,
      url: location.href,
      user_agent: navigator.userAgent,
      release: "shop@1.0.0",
    }),
  });
  // For whoever tests this page.
  document.body.dataset["group"] = String((await answer.json()).id);
});

function payNow(): void {
  document.title = `${totalOfCart([{ name: "tea", price: { cents: 250 } }, { name: "gift" }])} cents`;
}

document.querySelector("button")?.addEventListener("click", () => payNow());
