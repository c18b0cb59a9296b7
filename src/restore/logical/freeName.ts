const maxNameBytes = 63;

/** The name, or one like it that is not taken, cut to the length that PostgreSQL keeps. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const ending = number === 1 ? '' : `_${number}`;
    const name = `${cut(wanted, maxNameBytes - ending.length)}${ending}`;
    if (!taken.has(name)) return name;
  }
}

function cut(name: string, bytes: number): string {
  let end = name.length;
  while (Buffer.byteLength(name.slice(0, end)) > bytes) end--;
  return name.slice(0, end);
}
