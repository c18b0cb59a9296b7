import { closeSync, openSync, readFileSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import type { Posix } from '../../base/posix.ts';
import { processIds } from '../../base/processes.ts';
import { plainFile } from './readBeginning.ts';

/** A process that has a file open for writing. */
export interface Writer {
  readonly pid: number;
  readonly program: string;
  /** Whatever it writes goes to the end of the file, wherever that is by then. */
  readonly appends: boolean;
}

const accessMode = 0o3;
const append = 0o2000;

/**
 * Whether anybody has a file open for writing, asked from the kernel: processes that we cannot see count too. Undefined
 * when it cannot be told: the file is another user's, or on a network.
 */
export function isBeingWritten(posix: Posix, path: string): boolean | undefined {
  const fd = openSync(path, plainFile);
  try {
    return posix.isOpenForWriting(fd);
  } catch (error) {
    if (['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'ENOLCK'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Who has a file open for writing, as far as we may see: root sees all processes of its own container. */
export function findWriters({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): Writer[] {
  return processIds().flatMap((pid) => {
    const flags = openFiles(pid)
      .filter((fd) => isFile(`/proc/${pid}/fd/${fd}`, dev, ino))
      .map((fd) => flagsOf(pid, fd))
      .filter((each) => (each & accessMode) !== 0);
    if (flags.length === 0) return [];
    return [{ pid, program: read(`/proc/${pid}/comm`).trim(), appends: flags.every((each) => (each & append) !== 0) }];
  });
}

/** `node (process 71)`, for messages. */
export function describeWriters(writers: readonly Writer[]): string {
  if (writers.length === 0) return 'a process that cannot be seen from here';
  return writers.map(({ pid, program }) => `${program} (process ${pid})`).join(', ');
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // it ended, or is another user's
  }
}

function isFile(path: string, dev: bigint, ino: bigint): boolean {
  try {
    const stat = statSync(path, { bigint: true });
    return stat.ino === ino && stat.dev === dev;
  } catch {
    return false;
  }
}

function flagsOf(pid: number, fd: string): number {
  return Number.parseInt(/^flags:\s*(\d+)$/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? '0', 8);
}

/** Empty when the process ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
