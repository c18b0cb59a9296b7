/** How much of a long list a record holds. */
const longestList = 200;

/** How many there are, and the first of them. */
export function tell<Item>(items: readonly Item[]): { count: number; first: Item[] } {
  return { count: items.length, first: items.slice(0, longestList) };
}
