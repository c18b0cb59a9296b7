/** Refs by name, with the object that each names. */
export type Refs = ReadonlyMap<string, string>;

/** What we keep in a mirror beside the refs of its repository. */
export const ownRefs = 'refs/understudy/';
export const keptRefs = `${ownRefs}kept/`;

/** Arguments of git that print refs as `parseRefs` reads them. */
export const listRefs = ['for-each-ref', '--format=%(objectname) %(refname)'];

/** Reads lines `<id> <name>`, or with a tab as `git ls-remote` prints; what a tag points to (`^{}`) is no ref. */
export function parseRefs(text: string): Refs {
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, id, name] = /^([0-9a-f]+)\s(refs\/.+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined && !name.endsWith('^{}')) refs.set(name, id);
  }
  return refs;
}

/** Without those that are ours. */
export function foreignRefs(refs: Refs): Refs {
  return new Map([...refs].filter(([name]) => !name.startsWith(ownRefs)));
}

/** The refs below a prefix, by what follows it. */
export function refsUnder(refs: Refs, prefix: string): Refs {
  return new Map([...refs].flatMap(([name, id]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), id]] : [])));
}

export function equalRefs(a: Refs, b: Refs): boolean {
  return a.size === b.size && [...a].every(([name, id]) => b.get(name) === id);
}
