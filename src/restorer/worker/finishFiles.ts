import { closeSync, fchmodSync, fchownSync, fsyncSync, renameSync, utimesSync } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import type { Posix } from '../../base/posix.ts';
import type { ExtendedAttribute } from '../../snapshot/node.ts';
import { stateDamaged, type Content } from '../content.ts';
import { onDestination } from '../destinationErrors.ts';
import { openSized } from './openFiles.ts';

/** Added to the name of a file that is not complete, or whose turn has not come. */
export const incompleteSuffix = '.understudy-incomplete';

/** What files get besides their content; per file number, shared by the threads. */
export interface FileAttributes {
  /** Permission, set-id and sticky bits. */
  readonly modes: Uint32Array;
  /** Left out when ownership is not restored. */
  readonly owners?: { readonly uids: Uint32Array; readonly gids: Uint32Array };
  readonly mtimesNs: BigInt64Array;
  readonly atimesNs: BigInt64Array;
  readonly xattrs: ReadonlyMap<number, readonly ExtendedAttribute[]>;
}

export interface FinishTask {
  readonly attributes: FileAttributes;
  /** Sync every file; otherwise the caller syncs the file system. */
  readonly fsync: boolean;
  readonly next: Int32Array;
}

/** Gives a file its size, if nothing was written to it, and its attributes. A damaged file loses its name instead. */
export class FileFinisher {
  readonly #content: Content;
  readonly #posix: Posix | undefined;
  readonly #task: FinishTask;
  /** Attributes that the file system would not take. */
  readonly refused: string[] = [];

  constructor(content: Content, posix: Posix | undefined, task: FinishTask) {
    this.#content = content;
    this.#posix = posix;
    this.#task = task;
  }

  finish(file: number): void {
    const path = this.#content.paths[file]!;
    const bytes = Buffer.from(path, 'latin1');
    const fd = openSized(this.#content, file);
    try {
      if ((this.#content.states[file]! & stateDamaged) === 0) {
        onDestination('set the attributes of', path, () => this.#setAttributes(fd, file, bytes));
      } else if (!path.endsWith(incompleteSuffix)) {
        const incomplete = Buffer.from(path + incompleteSuffix, 'latin1');
        onDestination('rename the damaged', path, () => renameSync(bytes, incomplete));
      }
      if (this.#task.fsync) onDestination('sync', path, () => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  #setAttributes(fd: number, file: number, path: Buffer): void {
    const { modes, owners, mtimesNs, atimesNs, xattrs } = this.#task.attributes;
    if (owners !== undefined) fchownSync(fd, owners.uids[file]!, owners.gids[file]!);
    const attributes = xattrs.get(file);
    if (attributes !== undefined) this.refused.push(...setXattrs(this.#posix, path, attributes));
    fchmodSync(fd, modes[file]!);
    setTimes(this.#posix, path, { atimeNs: atimesNs[file]!, mtimeNs: mtimesNs[file]! });
  }
}

/** Sets the times of anything but a symbolic link; to the microsecond where the system call is out of reach. */
export function setTimes(posix: Posix | undefined, path: Buffer, times: { atimeNs: bigint; mtimeNs: bigint }): void {
  if (posix !== undefined) posix.setTimes(path, times.atimeNs, times.mtimeNs);
  else utimesSync(path, Number(times.atimeNs) / 1e9, Number(times.mtimeNs) / 1e9);
}

const refusals = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']);

/** Sets extended attributes; returns, as text, those that the file system or our rights do not allow. */
export function setXattrs(posix: Posix | undefined, path: Buffer, attributes: readonly ExtendedAttribute[]): string[] {
  const refused: string[] = [];
  for (const { name, value } of attributes) {
    try {
      if (posix === undefined) refused.push(`${name} of ${path.toString()}`);
      else posix.setXattr(path, Buffer.from(name), value);
    } catch (error) {
      if (!refusals.has(systemErrorCode(error) ?? '')) throw error;
      refused.push(`${name} of ${path.toString()}`);
    }
  }
  return refused;
}
