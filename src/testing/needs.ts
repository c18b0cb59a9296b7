import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { test, type TestFunction } from 'vitest';

/** `root`: the tests run as root. Anything else: a program of that name on the PATH. */
export type Requirement = 'root' | (string & {});

/**
 * `needs('restic')('reads our repository', async () => ...)`: a test that is skipped, with the reason in its name,
 * where something is missing. Under CI=true a missing program is a failure. (`root` stays a skip there: the suite has
 * to pass for an ordinary user too, and .ci/run is root.)
 */
export function needs(...requirements: readonly Requirement[]): (name: string, body: TestFunction) => void {
  const missing = requirements.filter((requirement) => !isThere(requirement));
  if (missing.length === 0) return (name, body) => test(name, body);
  const reason = `needs ${missing.join(', ')}`;
  const fails = process.env['CI'] === 'true' && missing.some((requirement) => requirement !== 'root');
  return (name, body) => {
    if (!fails) return test.skip(`${name} [${reason}]`, body);
    return test(name, () => {
      throw new Error(`CI ${reason}`);
    });
  };
}

/** A root-only test: mounts, other users, and what else an ordinary user is refused. */
export const rootOnly = needs('root');

function isThere(requirement: Requirement): boolean {
  if (requirement === 'root') return process.getuid?.() === 0;
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, requirement), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
