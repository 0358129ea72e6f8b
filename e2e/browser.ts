// One Chromium for a test file, and a visitor for each test: a fresh profile that notes whatever a page does wrong.

import assert from "node:assert/strict";

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

import { KEY, type Name, type Stack } from "./stack.ts";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long a page may take for anything: live pages look only every 15 s, and a busy machine has other things to do. */
const PATIENCE_MS = 60_000;

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: FLAGS });
}

/** Somebody with a browser of their own. */
export class Visitor {
  /** What the pages did wrong so far, one line each. */
  readonly faults: string[] = [];
  /** Every address that was asked for. */
  readonly addresses: string[] = [];
  private readonly expected: RegExp[] = [];
  private readonly hosts: Set<string>;

  private constructor(
    readonly stack: Stack,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    this.hosts = new Set(stack.hosts());
  }

  static async arrive(browser: Browser, stack: Stack, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor(stack, context, await context.newPage());
    await visitor.watch();
    return visitor;
  }

  /** Opens an address of a service: `visit("errors", "errors/1")`. */
  async visit(name: Name, path = ""): Promise<void> {
    await this.page.goto(this.stack.url(name, path));
  }

  /** What is said here is no fault: a wrong key answers 401, and Chromium writes that into the console. */
  expect(fault: RegExp): void {
    this.expected.push(fault);
  }

  /** One more `host:port` that pages may ask, such as a proxy's. */
  trust(host: string): void {
    this.hosts.add(host);
  }

  /** Signs in behind the page's back; `sign_in.spec.ts` does it as people do. */
  async signIn(): Promise<void> {
    const answer = await this.context.request.post(this.stack.url("errors", "login"), {
      form: { key: KEY },
      headers: { Origin: this.stack.service("errors").url },
      maxRedirects: 0,
    });
    assert.equal(answer.status(), 303, "the key is good");
  }

  /** Takes the profile away. Fails if a page did anything that it should not. */
  async leave(): Promise<void> {
    await this.context.close();
    const faults = this.faults.filter((fault) => !this.expected.some((expected) => expected.test(fault)));
    assert.deepEqual(faults, [], "the pages did nothing wrong");
  }

  private async watch(): Promise<void> {
    const fault = (text: string) => this.faults.push(text);
    const { context, page } = this;
    await context.exposeBinding("e2eViolation", (_, text: string) => fault(`content security policy: ${text}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        const { e2eViolation } = globalThis as unknown as { e2eViolation(text: string): void };
        e2eViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    page.on("console", (message) => {
      // Chromium itself asks for it beside anything that is no page, such as JSON.
      if (message.location().url.endsWith("/favicon.ico")) return;
      if (["error", "warning"].includes(message.type())) fault(`console ${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => fault(`page error: ${error.message}`));
    page.on("dialog", (dialog) => {
      fault(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on("request", (request) => {
      this.addresses.push(request.url());
      if (!this.hosts.has(new URL(request.url()).host)) fault(`foreign request: ${request.url()}`);
    });
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // A page that is left takes its running requests with it.
      if (why !== "net::ERR_ABORTED") fault(`failed request: ${request.url()} ${why}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) fault(`answer ${response.status()}: ${response.url()}`);
    });
  }
}
