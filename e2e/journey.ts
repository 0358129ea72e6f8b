// A test is a journey: a visitor comes with a fresh browser profile, does something, and leaves; the pages must
// have behaved all the while. Chromium is started once for a file, a stack wherever one is asked for.

import { after, test, type TestContext } from "node:test";

import type { Browser, BrowserContextOptions } from "playwright-core";

import { launch, Visitor } from "./browser.ts";
import { Stack, type Variables } from "./stack.ts";

type Options = BrowserContextOptions & {
  /** Whether the visitor is signed in already; yes unless said otherwise. */
  signedIn?: boolean;
};

type Journey = (visitor: Visitor, test: TestContext) => Promise<void>;

/** Only a hang ever takes this. (What `node --test` is told is for a whole file.) */
const TIMEOUT_MS = 300_000;

let browser: Promise<Browser> | undefined;
const stacks: Stack[] = [];

after(async () => {
  await (await browser)?.close();
  await Promise.all(stacks.map((stack) => stack.stop()));
});

/** A stack that ends with the file; `variables` are for all services, or each service's own. */
export async function startStack(variables: Variables = {}): Promise<Stack> {
  const stack = await Stack.start(variables);
  stacks.push(stack);
  return stack;
}

/** Registers a test, named by a sentence. */
export function journey(sentence: string, stack: Stack, options: Options, journey: Journey): void {
  const { signedIn = true, ...profile } = options;
  void test(sentence, { timeout: TIMEOUT_MS }, async (test) => {
    browser ??= launch();
    const visitor = await Visitor.arrive(await browser, stack, profile);
    try {
      if (signedIn) await visitor.signIn();
      await journey(visitor, test);
    } catch (error) {
      for (const fault of visitor.faults) test.diagnostic(fault);
      await visitor.context.close();
      throw error;
    }
    await visitor.leave();
  });
}
