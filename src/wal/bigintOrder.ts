/** For `sort`: ascending. */
export function compareBigints(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other);
}
