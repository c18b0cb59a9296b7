/**
 * `node tools/completeLock.ts` after `npm install`: adds to package-lock.json the optional packages of other platforms
 * that npm left out because its registry (a mirror, say) does not carry them. `npm ci` refuses a lock without them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './projectFiles.ts';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  packages: Record<string, LockEntry>;
}

const lockPath = join(projectRoot, 'package-lock.json');

/** Optional packages that the lock's packages ask for and that it has no entry for, with the entry they need. */
export function missingEntries(lock: Lock): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
      if (!places.some((place) => place in lock.packages)) {
        missing[`node_modules/${name}`] = platformEntry(name, version, entry.dev === true);
      }
    }
  }
  return missing;
}

export function readLock(): Lock {
  return JSON.parse(readFileSync(lockPath, 'utf8')) as Lock;
}

/** What a package of binaries says about itself is in its name: `@oxlint/binding-linux-x64-musl`. */
function platformEntry(name: string, version: string, dev: boolean): LockEntry {
  const [, os] = /\b(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)\b/.exec(name) ?? [];
  const [, cpu] = /\b(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)\b/.exec(name) ?? [];
  if (os === undefined || cpu === undefined) throw new Error(`the platform of ${name} is not in its name`);
  const libc = /musl/.test(name) ? ['musl'] : /gnu/.test(name) ? ['glibc'] : undefined;
  const platform = { cpu: [cpu], ...(libc === undefined ? {} : { libc }), os: [os] };
  return { version, ...(dev ? { dev } : {}), optional: true, ...platform } as LockEntry;
}

if (import.meta.main) {
  const lock = readLock();
  const missing = missingEntries(lock);
  const packages = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries(packages.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added ${Object.keys(missing).length} packages`);
}
