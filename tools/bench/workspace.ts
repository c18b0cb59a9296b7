import { chmod, chown, mkdir, rm, statfs } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { serverUser } from '../../src/testing/serverUser.ts';

/** The directory in which everything is built, and what outlives a run there. */
export class Workspace {
  readonly path: string;
  readonly #made = new Set<string>();

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws when the user that runs the servers cannot reach the directory or the disk has too little space. */
  static async open(path: string, neededBytes: number): Promise<Workspace> {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);
    const barrier = serverUser() === undefined ? undefined : impassable(path);
    if (barrier !== undefined) {
      throw new Error(`user ${serverUser()?.name} cannot enter ${barrier}: give a --directory that it can reach`);
    }
    const { bavail, bsize } = await statfs(path);
    if (bavail * bsize < neededBytes) {
      throw new Error(`${path} has ${gigabytes(bavail * bsize)} free, this needs ${gigabytes(neededBytes)}`);
    }
    return new Workspace(path);
  }

  join(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  /** Makes an empty directory that the tools may write; what was there is removed. Returns its path. */
  async emptyDirectory(...parts: readonly [string, ...string[]]): Promise<string> {
    const path = this.join(...parts);
    await rm(path, { recursive: true, force: true });
    await this.directory(...parts);
    return path;
  }

  /** The same, but keeps what is there. */
  async directory(...parts: readonly [string, ...string[]]): Promise<string> {
    const path = this.join(...parts);
    this.#made.add(parts[0]);
    if (existsSync(path)) return path;
    await mkdir(dirname(path), { recursive: true });
    await mkdir(path, { mode: 0o700 });
    const user = serverUser();
    if (user !== undefined) await chown(path, user.uid, user.gid);
    return path;
  }

  /** Removes what was made here, but for the named top directories. What was there before stays. */
  async removeAllBut(kept: readonly string[]): Promise<void> {
    for (const name of [...this.#made].filter((each) => !kept.includes(each))) {
      await rm(this.join(name), { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** The first directory on the way up that others may not enter. */
function impassable(path: string): string | undefined {
  if ((statSync(path).mode & 0o001) === 0) return path;
  return path === '/' ? undefined : impassable(dirname(path));
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
