/** A value of a parameter. */
export type ParameterValue = string | number | boolean;

/** What every plan may refer to besides its parameters. */
export const runParameters = ['run.id', 'run.directory', 'run.drill'] as const;

/** Where `${name}` stands. */
export interface Reference {
  readonly path: readonly PropertyKey[];
  readonly name: string;
}

const pattern = /\$?\$\{([A-Za-z0-9][A-Za-z0-9_.-]*)\}/g;

/**
 * Puts values in place of `${name}` in every text below `value`; `$${name}` stands for the literal. A text that is
 * nothing but one reference becomes the value itself, also when that is a number. Unknown names stay as they are.
 */
export function substitute(value: unknown, values: ReadonlyMap<string, ParameterValue>): unknown {
  return mapTexts(value, (text) => {
    const whole = /^\$\{([A-Za-z0-9][A-Za-z0-9_.-]*)\}$/.exec(text)?.[1];
    if (whole !== undefined) return values.get(whole) ?? text;
    return text.replaceAll(pattern, (match, name: string) => {
      const known = match.startsWith('$$') ? undefined : values.get(name);
      return known === undefined ? match : String(known);
    });
  });
}

/** The text as it is used: values in their places, and `${name}` where it says `$${name}`. */
export function fillReferences(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(pattern, (match, name: string) =>
    match.startsWith('$$') ? match.slice(1) : (values.get(name) ?? match),
  );
}

/** All references below `value`. */
export function referencesIn(value: unknown, path: readonly PropertyKey[] = []): Reference[] {
  if (typeof value === 'string') {
    return [...value.matchAll(pattern)].flatMap(([match, name]) =>
      match.startsWith('$$') || name === undefined ? [] : [{ path, name }],
    );
  }
  return children(value).flatMap(([key, child]) => referencesIn(child, [...path, key]));
}

/** Every text below `value` and where it stands. */
export function textsIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  return children(value).flatMap(([key, child]) => textsIn(child, [...path, key]));
}

/** A copy in which every text is replaced. */
export function mapTexts(value: unknown, replace: (text: string) => unknown): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapTexts(child, replace)]));
}

function children(value: unknown): [PropertyKey, unknown][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
