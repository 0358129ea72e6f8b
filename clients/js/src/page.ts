// What the captures need of the page: the time, ids, the visit, names of elements, and replaced functions.

import type { Undo } from "./types.ts";

/** Ours goes past whoever watches the console, or we would hear ourselves. */
export const say = console.debug.bind(console, "[Monlight]");

export const isHidden = (): boolean => document.visibilityState == "hidden";

export const now = (): string => new Date().toISOString();

/** `n` random bytes as hexadecimal digits. */
export const hex = (n: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(n)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A random UUID; `crypto.randomUUID` is not there on plain HTTP. */
const uuid = (): string =>
  hex(16).replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/, "$1-$2-4$3-a$4-$5");

const SESSION = "monlight_session_id";

/** The visit, as long as the tab. */
export function session(): string {
  try {
    let id = sessionStorage.getItem(SESSION);
    if (!id) sessionStorage.setItem(SESSION, (id = uuid()));
    return id;
  } catch {
    return uuid();
  }
}

/** A short name of an element, of its own attributes and never of its text. */
export function selector(node: unknown): string {
  const element = node as Element | null;
  if (!element?.tagName) return "";
  const classes = (element.getAttribute("class") ?? "").trim().split(/\s+/).slice(0, 2);
  const name = element.getAttribute("name");
  return (
    element.tagName.toLowerCase() +
    (element.id && `#${element.id}`) +
    classes.map((it) => it && `.${it}`).join("") +
    (name ? `[name=${name}]` : "")
  ).slice(0, 100);
}

/** Puts `make(original)` in the place of a method. Undoing leaves what others put over it. */
export function replace<T extends object, K extends keyof T>(host: T, name: K, make: (original: T[K]) => T[K]): Undo {
  const original = host[name];
  if (typeof original != "function") return () => {};
  const ours = make(original);
  host[name] = ours;
  return () => {
    if (host[name] === ours) host[name] = original;
  };
}

/** Listens; what the listener throws stays with us. */
export function on(host: EventTarget, type: string, listener: (event: any) => void): Undo {
  const safely = (event: Event) => quietly(() => listener(event));
  host.addEventListener(type, safely, true);
  return () => host.removeEventListener(type, safely, true);
}

/** The page must not learn of our troubles. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
