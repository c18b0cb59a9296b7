/** One line of gitignore syntax. Texts are raw bytes as latin1, as git matches bytes: a name need not be UTF-8. */
export interface IgnorePattern {
  /** `!pattern`: what it matches is not ignored after all. */
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
  /** `path` is relative to where the pattern stands, without slashes at its ends. */
  matches(path: string): boolean;
}

/** Reads one line; undefined for an empty line, a comment, and what git takes for a pattern that matches nothing. */
export function parseIgnoreLine(line: string): IgnorePattern | undefined {
  let glob = withoutTrailingSpaces(line);
  if (glob === '' || glob.startsWith('#')) return undefined;
  const negated = glob.startsWith('!');
  if (negated) glob = glob.slice(1);
  const directoriesOnly = glob.endsWith('/');
  if (directoriesOnly) glob = glob.slice(0, -1);
  const anchored = glob.includes('/');
  const groups = { count: 0 };
  const source = anchored ? pathSource(glob.replace(/^\//, ''), groups) : nameSource(glob, groups);
  if (glob === '' || source === undefined) return undefined;
  const expression = new RegExp(`^${source}$`, 's');
  const matches = (path: string): boolean => expression.test(anchored ? path : path.slice(path.lastIndexOf('/') + 1));
  return { negated, directoriesOnly, matches };
}

/** Spaces at the end count only when a backslash stands before them. */
function withoutTrailingSpaces(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') end = ++at + 1;
    else if (line[at] !== ' ') end = at + 1;
  }
  return line.slice(0, end);
}

/** Capturing groups of an expression so far. */
interface Groups {
  count: number;
}

/**
 * What comes first, after any number of what is skipped, and then never again elsewhere: what is behind it need not be
 * tried with every other place, so that no pattern takes longer than the product of both lengths.
 */
function firstPlace(groups: Groups, skipped: string, sought: () => string | undefined): string | undefined {
  const number = ++groups.count;
  const source = sought();
  return source === undefined ? undefined : `(?=(${skipped}*?${source}))\\${number}`;
}

/** `**` between slashes is any number of directories, at the end everything inside; elsewhere it is `*`. */
function pathSource(glob: string, groups: Groups): string | undefined {
  const parts = glob.split('/');
  const endsInside = parts.at(-1) === '**';
  if (endsInside) parts.pop();
  const runs: string[][] = [[]];
  for (const part of parts) {
    const run = runs.at(-1) ?? [];
    if (part !== '**') run.push(part);
    else if (runs.length === 1 || run.length > 0) runs.push([]);
  }
  let source = '';
  for (const [index, run] of runs.entries()) {
    const isLast = index === runs.length - 1 && !endsInside;
    const names = (end: string) => (): string | undefined => namesSource(run, end, groups);
    const next = index > 0 && !isLast ? firstPlace(groups, '(?:[^/]*/)', names('/')) : names(isLast ? '' : '/')();
    if (next === undefined) return undefined;
    source += index > 0 && isLast ? `(?:.*/)?${next}` : next;
  }
  return endsInside ? `${source}.+` : source;
}

/** Names with a slash between them, and `end` behind them if there are any. */
function namesSource(globs: readonly string[], end: string, groups: Groups): string | undefined {
  const sources = globs.map((glob) => nameSource(glob, groups));
  if (sources.includes(undefined)) return undefined;
  return sources.length === 0 ? '' : sources.join('/') + end;
}

/** A glob within one name as the source of an expression; undefined when it is malformed, and so matches nothing. */
function nameSource(glob: string, groups: Groups): string | undefined {
  /** What stands between the asterisks. */
  const pieces = [''];
  const add = (source: string): void => void pieces.push(pieces.pop()! + source);
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!;
    if (character === '*') {
      if (pieces.length === 1 || pieces.at(-1) !== '') pieces.push('');
    } else if (character === '?') add('[^/]');
    else if (character === '[') {
      const parsed = parseClass(glob, at + 1);
      if (parsed === undefined) return undefined;
      add(parsed.source);
      at = parsed.end;
    } else if (character === '\\') {
      if (++at === glob.length) return undefined;
      add(literal(glob[at]!));
    } else add(literal(character));
  }
  if (pieces.length === 1) return pieces[0];
  const inner = pieces.slice(1, -1).map((piece) => firstPlace(groups, '[^/]', () => piece));
  return `${pieces[0]}${inner.join('')}[^/]*${pieces.at(-1)}`;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\t-\\r ',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** A bracket expression from behind its `[`; `end` is the place of its `]`. */
function parseClass(glob: string, begin: number): { source: string; end: number } | undefined {
  let at = begin;
  const negated = glob[at] === '!' || glob[at] === '^';
  if (negated) at++;
  let members = '';
  let previous: string | undefined;
  for (let isFirst = true; isFirst || glob[at] !== ']'; isFirst = false, at++) {
    if (at >= glob.length) return undefined;
    if (glob[at] === '-' && previous !== undefined && at + 1 < glob.length && glob[at + 1] !== ']') {
      if (glob[++at] === '\\') at++;
      if (at >= glob.length) return undefined;
      if (previous <= glob[at]!) members += `${literal(previous)}-${literal(glob[at]!)}`;
      previous = undefined;
      continue;
    }
    const named = /^\[:([a-z]*):\]/.exec(glob.slice(at));
    if (named !== null) {
      const set = posixClasses[named[1]!];
      if (set === undefined) return undefined;
      members += set;
      at += named[0].length - 1;
      previous = undefined;
      continue;
    }
    if (glob[at] === '\\') at++;
    if (at >= glob.length) return undefined;
    previous = glob[at]!;
    members += literal(previous);
  }
  return { source: `(?!/)[${negated ? '^' : ''}${members}]`, end: at };
}

function literal(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
