import { chmod, chown, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverUser } from './serverUser.ts';

/** Paths of the directories that exist now; `leaks.ts` fails a test file that leaves one here. */
export const openTempDirs = new Set<string>();

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** A path inside. */
  join(...parts: readonly string[]): string;
}

export interface TempDirOptions {
  /** `server`: owned by the user that runs PostgreSQL (when the tests run as root). Default: whoever runs the tests. */
  readonly owner?: 'server';
  /** `disk`: never in memory, for what tmpfs cannot do (holes that close, leases). */
  readonly on?: 'disk';
}

const tmpfsMagic = 0x01021994;

/**
 * Creates an empty directory (mode 755, so that the server's user can pass) and removes it on dispose.
 * Names are short: a Unix socket inside must stay below 100 bytes.
 */
export async function tempDir(options: TempDirOptions = {}): Promise<TempDir> {
  const path = await mkdtemp(join(options.on === 'disk' ? await onDisk() : tmpdir(), 'us-'));
  openTempDirs.add(path);
  await chmod(path, 0o755);
  const user = serverUser();
  if (options.owner === 'server' && user !== undefined) await chown(path, user.uid, user.gid);
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      openTempDirs.delete(path);
    },
  };
}

async function onDisk(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === tmpfsMagic ? '/var/tmp' : tmpdir();
}
