import { readlinkSync, realpathSync } from 'node:fs';

/** Where a process works, without symbolic links; undefined when it has ended or is somebody else's. */
export function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** A path without symbolic links, as working directories are told; undefined when it does not exist. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
