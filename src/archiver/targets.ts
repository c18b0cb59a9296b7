import { lstatSync, statSync, type BigIntStats } from 'node:fs';
import { resolve } from 'node:path';
import { OperationError, systemErrorCode } from '../base/errors.ts';

/** A component of the archived paths: archived as a whole, or only the way to such ones. */
export interface Target {
  /** Raw bytes as latin1 text. */
  readonly name: string;
  readonly path: Buffer;
  readonly whole: boolean;
  /** What is below it, by name; empty when it is archived as a whole. */
  readonly children: Map<string, Target>;
}

/** The paths as a tree of their components, from the root directory. A path inside another one adds nothing. */
export function planTargets(paths: readonly (string | Buffer)[]): Target {
  const root = { name: '', path: Buffer.from('/'), whole: false, children: new Map<string, Target>() };
  let top: Target = root;
  for (const path of paths) {
    const absolute = absoluteOf(path);
    if (absolute === '/') top = { ...root, whole: true, children: new Map() };
    else if (!top.whole) addPath(top, absolute.slice(1).split('/'));
  }
  return top;
}

/** Devices of all paths, also of one inside another: what is mounted there was asked for. Throws as `statTarget`. */
export function fileSystemsOf(paths: readonly (string | Buffer)[]): Set<bigint> {
  const places = paths.map((path) => Buffer.from(absoluteOf(path), 'latin1'));
  return new Set(places.map((path) => statTarget({ path, whole: true }).dev));
}

/** Raw bytes as latin1 text. */
function absoluteOf(path: string | Buffer): string {
  const text = (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1');
  return resolve(Buffer.from(process.cwd()).toString('latin1'), text);
}

function addPath(root: Target, names: readonly string[]): void {
  let at = root;
  for (const [depth, name] of names.entries()) {
    if (at.whole) return;
    const whole = depth === names.length - 1;
    const path = Buffer.from(`/${names.slice(0, depth + 1).join('/')}`, 'latin1');
    const known = at.children.get(name);
    const next = known !== undefined && !whole ? known : { name, path, whole, children: new Map<string, Target>() };
    at.children.set(name, next);
    at = next;
  }
}

/**
 * Status of a component; symbolic links are followed on the way only. Throws `file-missing`, `file-denied`, `file-io`.
 */
export function statTarget({ path, whole }: Pick<Target, 'path' | 'whole'>): BigIntStats {
  try {
    return whole ? lstatSync(path, { bigint: true }) : statSync(path, { bigint: true });
  } catch (error) {
    const name = systemErrorCode(error);
    const denied = name === 'EACCES' || name === 'EPERM';
    const code = name === 'ENOENT' || name === 'ENOTDIR' ? 'file-missing' : denied ? 'file-denied' : 'file-io';
    throw new OperationError(code, `cannot archive ${path.toString()}: ${name}`, {
      hint: denied ? 'run as root or as the owner of the files' : 'is the path right, and its disk mounted?',
      cause: error,
    });
  }
}
