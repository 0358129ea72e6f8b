// A small shop's code, to be minified: what breaks in it must be found in this file again.

export interface Item {
  name: string;
  price?: { cents: number };
}

/** Sum of a cart in cents. */
export function totalOfCart(items: Item[]): number {
  let sum = 0;
  for (const item of items) {
    // A gift has no price: this is the bug.
    sum += item.price!.cents;
  }
  return sum;
}
