import { posix } from 'node:path';
import { OperationError } from '../base/errors.ts';

/** A compiled path pattern. Paths are given as their components from the root. */
export interface PathPattern {
  /** True for a matching path and for everything below one. */
  matches(path: readonly string[]): boolean;
  /** False when nothing below this directory can match. */
  mayMatchBelow(directory: readonly string[]): boolean;
}

type Part = '**' | RegExp;

/**
 * Compiles a pattern as restic understands it: components as in Go's filepath.Match (`*`, `?`, `[a-z]`, `[^a]`, `\`),
 * `**` for any number of directories. With a leading slash it is anchored at the root, otherwise it matches at any
 * depth. (Stock restic misses some matches of a pattern with several `**`.) Throws `usage` for a malformed pattern.
 */
export function compilePathPattern(pattern: string, options: { readonly ignoreCase?: boolean } = {}): PathPattern {
  if (pattern === '') throw new OperationError('usage', 'a pattern is empty');
  const clean = posix.normalize(pattern).replace(/\/$/, '');
  const anchored = clean.startsWith('/') || clean === '';
  const flags = options.ignoreCase === true ? 'isu' : 'su';
  const parts = clean
    .split('/')
    .slice(anchored ? 1 : 0)
    .map((part): Part => (part === '**' ? part : new RegExp(`^${globSource(part)}$`, flags)));
  return {
    matches: (path) => advance(parts, path, anchored).includes(parts.length),
    mayMatchBelow: (directory) => !anchored || advance(parts, directory, true).length > 0,
  };
}

/** How many parts can have been used up after the path; the full count stays once it was reached. */
function advance(parts: readonly Part[], path: readonly string[], anchored: boolean): number[] {
  let states = throughWildcards(parts, [0]);
  for (const name of path) {
    const next = new Set<number>(anchored ? [] : [0]);
    for (const state of states) {
      const part = parts[state];
      if (part === undefined || part === '**') next.add(state);
      else if (part.test(name)) next.add(state + 1);
    }
    states = throughWildcards(parts, next);
  }
  return states;
}

/** `**` may stand for no directory at all. */
function throughWildcards(parts: readonly Part[], states: Iterable<number>): number[] {
  const reached = new Set<number>();
  for (const state of states) {
    let at = state;
    for (reached.add(at); parts[at] === '**'; reached.add(at)) at++;
  }
  return [...reached];
}

function globSource(glob: string): string {
  const token = /\*+|\?|\\(.)|\[(\^|(?!\^))((?:\\.|[^\]\\])+)\]|([^\\[\]*?])|\]/suy;
  let source = '';
  while (token.lastIndex < glob.length) {
    const match = token.exec(glob);
    if (match === null) throw badPattern(glob);
    const [whole, quoted, negation, members, plain] = match;
    if (members !== undefined) source += `[${negation ?? ''}${classSource(members, glob)}]`;
    else if (whole.startsWith('*')) source += '.*';
    else if (whole === '?') source += '.';
    else source += literal(quoted ?? plain ?? whole);
  }
  return source;
}

function classSource(members: string, glob: string): string {
  const range = /(?:\\(.)|([^\\-]))(?:-(?:\\(.)|([^\\-])))?/suy;
  let source = '';
  while (range.lastIndex < members.length) {
    const match = range.exec(members);
    if (match === null) throw badPattern(glob);
    const [, quotedFrom, from, quotedTo, to] = match;
    const first = quotedFrom ?? from ?? '';
    const last = quotedTo ?? to ?? first;
    if ((first.codePointAt(0) ?? 0) <= (last.codePointAt(0) ?? 0)) source += `${literal(first)}-${literal(last)}`;
  }
  // a range that ends before it begins matches nothing, in Go as here
  return source;
}

function literal(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function badPattern(glob: string): OperationError {
  return new OperationError('usage', `the pattern ${JSON.stringify(glob)} is malformed`, {
    hint: 'are all [ closed, and is a literal *, ?, [ or \\ preceded by \\?',
  });
}
