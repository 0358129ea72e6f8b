// Small things of one kind, gathered until they are worth a request.

export interface Batch<T> {
  add(item: T): void;
  flush(): void;
}

/** Sends at `max` items, or `wait_ms` after the first. A hidden page may be gone in a moment, so there it sends what
 * comes in the same breath. */
export function gather<T>(max: number, wait_ms: number, isHidden: () => boolean, send: (items: T[]) => void): Batch<T> {
  let items: T[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (items.length) send(items.splice(0));
  };
  const add = (item: T) => {
    items.push(item);
    if (items.length >= max) flush();
    else if (isHidden()) queueMicrotask(flush);
    else timer ??= setTimeout(flush, wait_ms);
  };
  return { add, flush };
}
