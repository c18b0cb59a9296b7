import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { OsUser } from '../../postgres/runProgram.ts';
import { ownProgram } from '../ownProgram.ts';

/** Node and the entry module of a program. */
export interface ReachableProgram {
  readonly node: string;
  readonly entry: string;
}

/**
 * This program, at a place where `user` can execute it: where it is, or, when it lies in a closed directory such as
 * root's home, a copy below `directory`.
 */
export function reachableProgram(user: OsUser | undefined, directory: string): ReachableProgram {
  const [node, entry] = ownProgram();
  const here = { node, entry };
  if (user === undefined || runsAs(user, here)) return here;
  const root = packageRoot(entry);
  const copy = join(directory, 'program');
  cpSync(join(root, 'package.json'), join(copy, 'package.json'), { recursive: true });
  const [top = 'src'] = relative(root, entry).split(sep);
  cpSync(join(root, top), join(copy, top), { recursive: true });
  for (const path of dependencyPaths(root, top)) cpSync(join(root, path), join(copy, path), { recursive: true });
  mkdirSync(join(copy, 'bin'));
  cpSync(process.execPath, join(copy, 'bin', 'node'), { dereference: true });
  return { node: join(copy, 'bin', 'node'), entry: join(copy, relative(root, entry)) };
}

function runsAs(user: OsUser, program: ReachableProgram): boolean {
  try {
    execFileSync(program.node, [program.entry, 'version'], {
      uid: user.uid,
      gid: user.gid,
      cwd: '/',
      stdio: 'ignore',
      env: {},
    });
    return true;
  } catch {
    return false;
  }
}

function packageRoot(entry: string): string {
  let directory = dirname(entry);
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/**
 * Directories of all packages that this one needs at run time, relative to its root. What is built has some of them in
 * its bundle; what runs from `src` has not.
 */
function dependencyPaths(root: string, top: string): string[] {
  const found = new Set<string>();
  const visit = (from: string): void => {
    const { dependencies = {}, optionalDependencies = {}, bundledLibraries = [] } = readPackage(join(root, from));
    const bundled = top === 'src' && from === '' ? bundledLibraries : [];
    for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...bundled]) {
      const path = findPackage(root, from, name);
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit('');
  return [...found];
}

/** Where Node finds a package that is required from `from`: there, or further up. */
function findPackage(root: string, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.includes('node_modules') ? dirname(at.slice(0, at.lastIndexOf('node_modules'))) : '') {
    const path = join(at === '.' ? '' : at, 'node_modules', name);
    if (existsSync(join(root, path, 'package.json'))) return path;
    if (at === '' || at === '.') return undefined;
  }
}

interface PackageFile {
  readonly dependencies?: object;
  readonly optionalDependencies?: object;
  readonly bundledLibraries?: readonly string[];
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageFile;
}
