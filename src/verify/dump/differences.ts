/** One side of a comparison: what is called so, and how it is. */
export interface Named {
  readonly key: string;
  readonly text: string;
}

/** A line for each thing that only one side has, or that differs. */
export function differencesOf(
  expected: readonly Named[],
  actual: readonly Named[],
  { extras }: { readonly extras: boolean },
): string[] {
  const found = new Map(actual.map(({ key, text }) => [key, text]));
  const known = new Set(expected.map(({ key }) => key));
  const lines: string[] = [];
  for (const { key, text } of expected) {
    const is = found.get(key);
    if (is === undefined) lines.push(`${key} was not restored`);
    else if (is !== text) lines.push(`${key}: in the record ${text}, restored ${is}`);
  }
  if (!extras) return lines;
  return [...lines, ...actual.filter(({ key }) => !known.has(key)).map(({ key }) => `${key} is not in the record`)];
}

/** `public.events`, `"Odd name".t`: as PostgreSQL shows a name, but for its keywords. */
export function shownName(...names: readonly string[]): string {
  return names.map((name) => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join('.');
}
