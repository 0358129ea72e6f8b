// The page: has the SDK watch it, and a button that breaks.

import { init } from "../../clients/js/dist/monlight.esm.js";
import { totalOfCart } from "./cart.ts";

declare const RELAY: { url: string; key: string };

init({ dsn: RELAY.key, endpoint: RELAY.url, release: "shop@1.0.0" });

function payNow(): void {
  document.title = `${totalOfCart([{ name: "tea", price: { cents: 250 } }, { name: "gift" }])} cents`;
}

document.querySelector("button")?.addEventListener("click", () => payNow());
