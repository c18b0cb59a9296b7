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
  const source = anchored ? pathSource(glob.replace(/^\//, '')) : nameSource(glob);
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

/** `**` between slashes is any number of directories, at the end everything inside; elsewhere it is `*`. */
function pathSource(glob: string): string | undefined {
  const parts = glob.split('/');
  let source = '';
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (part === '**') {
      source += isLast ? '.+' : '(?:.*/)?';
      continue;
    }
    const name = nameSource(part);
    if (name === undefined) return undefined;
    source += isLast ? name : `${name}/`;
  }
  return source;
}

/** A glob within one name as the source of an expression; undefined when it is malformed, and so matches nothing. */
function nameSource(glob: string): string | undefined {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!;
    if (character === '*') {
      if (!source.endsWith('[^/]*')) source += '[^/]*';
    } else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const parsed = parseClass(glob, at + 1);
      if (parsed === undefined) return undefined;
      source += parsed.source;
      at = parsed.end;
    } else if (character === '\\') {
      if (++at === glob.length) return undefined;
      source += literal(glob[at]!);
    } else source += literal(character);
  }
  return source;
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
