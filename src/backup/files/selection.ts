import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { UnreadablePath } from '../../archiver/archiveFiles.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { FileRules, type FileRulesOptions } from './fileRules.ts';

/** What is there of the paths of a source. */
export interface Selection {
  readonly present: readonly string[];
  readonly missing: readonly string[];
  readonly missingOptional: readonly string[];
  /** Paths that may not even be looked at. */
  readonly unreadable: readonly UnreadablePath[];
  /** The directories among `present`, none inside another. */
  readonly roots: readonly string[];
  /** Links among `present` that lead to what none of the roots holds: only the link itself is backed up. */
  readonly links: readonly string[];
  /** The directory that all paths have in common. */
  readonly base: string;
  /** Of `present` when all are files; undefined when there are directories. */
  readonly sizeBytes: number | undefined;
}

/** Looks at the paths (absolute). Throws `file-missing` when none of them is there. */
export function selectPaths(paths: readonly string[], optionalPaths: readonly string[]): Selection {
  const found = new Map<string, Stats>();
  const missing: string[] = [];
  const unreadable: UnreadablePath[] = [];
  for (const path of new Set([...paths, ...optionalPaths])) {
    try {
      found.set(path, lstatSync(path));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' || code === 'ENOTDIR') missing.push(path);
      else unreadable.push({ path: Buffer.from(path), systemError: code });
    }
  }
  if (found.size === 0) throw nothingThere(missing, unreadable);
  const directories = [...found].filter(([, stat]) => stat.isDirectory()).map(([path]) => path);
  const starts = [...found].map(([path, stat]) => (stat.isDirectory() ? path : dirname(path)));
  const roots = directories.filter((path) => !directories.some((other) => isInside(path, other)));
  return {
    present: [...found.keys()],
    missing: missing.filter((path) => paths.includes(path)),
    missingOptional: missing.filter((path) => !paths.includes(path)),
    unreadable,
    roots,
    links: [...found].flatMap(([path, stat]) => (stat.isSymbolicLink() && leadsOutside(path, roots) ? [path] : [])),
    base: commonDirectory([...starts, ...missing.map(dirname)]),
    sizeBytes: directories.length > 0 ? undefined : [...found.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * Refuses a path that is named and, being inside another one, excluded too: nobody can mean both. So it does one that a
 * link inside the other one leads to, since of a link only itself is backed up.
 */
export function refuseContradictions({ present, roots }: Selection, options: FileRulesOptions): void {
  for (const path of present) {
    const root = roots.find((each) => isInside(path, each));
    if (root === undefined) continue;
    const rules = new FileRules([Buffer.from(root)], options);
    for (let slash = root === '/' ? 0 : root.length; slash >= 0;) {
      const next = path.indexOf('/', slash + 1);
      const part = next < 0 ? path : path.slice(0, next);
      const stat = lstatSync(part);
      if (next >= 0 && stat.isSymbolicLink()) throw behindLink(path, part);
      if (rules.excludes(Buffer.from(part), { isDirectory: () => stat.isDirectory() })) throw contradiction(path, part);
      slash = next;
    }
  }
}

/** Path of something inside a root, relative to it, and its name when it is in none; raw bytes as latin1 text. */
export function pathInRoot(path: Buffer, roots: readonly string[]): string {
  const text = path.toString('latin1');
  for (const root of roots) {
    const start = root === '/' ? '/' : `${Buffer.from(root).toString('latin1')}/`;
    if (text.startsWith(start)) return text.slice(start.length);
  }
  return text.slice(text.lastIndexOf('/') + 1);
}

function isInside(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

function leadsOutside(path: string, roots: readonly string[]): boolean {
  try {
    const place = realpathSync(path);
    return roots.map((root) => realpathSync(root)).every((root) => place !== root && !isInside(place, root));
  } catch {
    return false; // it leads nowhere
  }
}

function commonDirectory(directories: readonly string[]): string {
  const [first = [], ...others] = directories.map((directory) => directory.split('/').filter((name) => name !== ''));
  const end = first.findIndex((name, depth) => others.some((other) => other[depth] !== name));
  return `/${(end < 0 ? first : first.slice(0, end)).join('/')}`;
}

function nothingThere(missing: readonly string[], unreadable: readonly UnreadablePath[]): OperationError {
  const [denied] = unreadable;
  if (denied !== undefined) {
    return new OperationError('file-denied', `cannot look at ${denied.path.toString()}: ${denied.systemError}`, {
      hint: 'run as root or as the owner of the files',
    });
  }
  return new OperationError('file-missing', `none of the paths of the source is there: ${missing.join(', ')}`, {
    hint: 'are the paths right, and is their disk mounted?',
  });
}

function behindLink(path: string, link: string): OperationError {
  return new OperationError('config-invalid', `${path} is to be backed up, but ${link} is a link`, {
    hint: 'of a link inside another path only the link is backed up: name the directory that it leads to',
  });
}

function contradiction(path: string, excluded: string): OperationError {
  const what = path === excluded ? 'is' : `is in ${excluded}, which is`;
  return new OperationError('config-invalid', `${path} is to be backed up, but ${what} excluded`, {
    hint: 'put a pattern that begins with ! behind the one that excludes it, or do not name the path',
  });
}
