// An error as the relay takes it: type, message, and a stack with those of its causes.

interface Described {
  type: string;
  message: string;
  stack: string;
}

/** Causes of causes that are followed. */
const MAX_CAUSES = 5;
const MAX_STACK = 20_000;

/** Describes whatever was thrown. `fallback` is the type of an error without a name. */
export function describe(thrown: unknown, fallback = "Error"): Described {
  if (!isError(thrown)) return { type: "Error", message: String(thrown), stack: "" };
  let stack = thrown.stack ?? "";
  let cause = thrown.cause;
  for (let n = 0; n < MAX_CAUSES && cause != null; n++) {
    stack += `\nCaused by: ${traced(cause)}`;
    cause = isError(cause) ? cause.cause : null;
  }
  return { type: thrown.name || fallback, message: String(thrown.message), stack: stack.slice(0, MAX_STACK) };
}

/** Errors of other frames are none of our own `Error`. */
function isError(value: unknown): value is Error {
  return typeof value == "object" && value !== null && "message" in value;
}

/** Its stack below a line that names it; only V8 puts that line into the stack. */
function traced(cause: unknown): string {
  if (!isError(cause)) return `Error: ${String(cause)}`;
  const heading = `${cause.name}: ${cause.message}`;
  const stack = cause.stack ?? "";
  return stack.startsWith(heading) ? stack : `${heading}\n${stack}`;
}

/** How long the same error is kept back, and how many are remembered. */
const WINDOW_MS = 60_000;
const MAX_SEEN = 50;

/** Remembers errors: whether one was there a minute ago. `ms` is now. */
export function remember(): (what: Described, ms: number) => boolean {
  const seen = new Map<string, number>();
  return ({ type, message, stack }, ms) => {
    const key = `${type}:${message}:${stack.split("\n").find((line) => line.trim()) ?? ""}`;
    if (ms - (seen.get(key) ?? -WINDOW_MS) < WINDOW_MS) return true;
    seen.delete(key);
    seen.set(key, ms);
    if (seen.size > MAX_SEEN) seen.delete(seen.keys().next().value as string);
    return false;
  };
}

/** The ids that the build put into its scripts, by script. */
export function debugIds(): Record<string, string> | undefined {
  const stacks = (globalThis as { _monlightDebugIds?: Record<string, string> })._monlightDebugIds;
  if (!stacks) return undefined;
  const ids: Record<string, string> = {};
  for (const stack in stacks) {
    const url = /(?:https?|file):\/\/[^\s)]+?(?=:\d+:\d+)/.exec(stack)?.[0];
    if (url) ids[url] = stacks[stack] as string;
  }
  return ids;
}
