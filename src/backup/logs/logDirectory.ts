import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  statSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory } from '../../base/atomicFile.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { loadPosix, type Posix } from '../../base/posix.ts';
import { compilePathPattern } from '../../snapshot/pathPattern.ts';
import { onLogs } from './logFileError.ts';
import { logOfTemporary, parsePieceName, type FoundPiece } from './pieceName.ts';

export interface LogListing {
  /** Files that are being written, sorted. */
  readonly logs: readonly string[];
  /** In order; one that is there packed and unpacked comes twice. */
  readonly pieces: readonly FoundPiece[];
}

/** A directory with logs, which no other run can rotate at the same time. The lock ends with the process. */
export class LogDirectory implements Disposable {
  readonly path: string;
  readonly posix: Posix;
  /** Whether a log is one of those that this run is about. */
  readonly isOurs: (log: string) => boolean;
  readonly #fd: number;

  private constructor(path: string, held: { posix: Posix; fd: number; isOurs: (log: string) => boolean }) {
    this.path = path;
    this.posix = held.posix;
    this.#fd = held.fd;
    this.isOurs = held.isOurs;
  }

  /**
   * Opens the directory for the logs that match one of the patterns. Throws `repository-locked` while another run is
   * here, `file-missing`, `file-denied`, `source-unsuitable` on another system than Linux.
   */
  static async open(path: string, patterns: readonly string[]): Promise<LogDirectory> {
    const posix = loadPosix();
    if (posix === undefined) {
      throw new OperationError('source-unsuitable', 'logs can only be rotated on Linux', {
        hint: 'who writes to a file is not to be had elsewhere; run understudy on the machine of the writer',
      });
    }
    const globs = patterns.map((pattern) => compilePathPattern(`/${pattern}`));
    const isOurs = (log: string): boolean => globs.some((glob) => glob.matches([log]));
    const fd = await onLogs(`open ${path}`, () => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    const directory = new LogDirectory(resolve(path), { posix, fd, isOurs });
    if (posix.tryLock(fd)) return directory;
    directory[Symbol.dispose]();
    throw new OperationError('repository-locked', `another run rotates the logs in ${path}`, {
      hint: 'wait for its end; a run that was killed holds nothing',
    });
  }

  /** Path of a file here. */
  join(name: string): string {
    return join(this.path, name);
  }

  stat(name: string): BigIntStats | undefined {
    try {
      return lstatSync(this.join(name), { bigint: true });
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  list(): LogListing {
    const logs: string[] = [];
    const pieces: FoundPiece[] = [];
    for (const name of readdirSync(this.path).sort()) {
      const piece = parsePieceName(name);
      if (piece !== undefined) {
        // something else of that name is not ours: we make nothing but files
        if (this.isOurs(piece.log) && this.stat(name)?.isFile() === true) pieces.push(piece);
      } else if (this.isOurs(name) && !name.startsWith('.') && logOfTemporary(name) === undefined) {
        if (this.stat(name)?.isFile() === true) logs.push(name);
      }
    }
    return { logs, pieces };
  }

  /** Names that match and that we cannot rotate: links to files elsewhere, and what is not UTF-8. */
  leftOut(): string[] {
    return readdirSync(this.path, { encoding: 'buffer' }).flatMap((bytes) => {
      const name = bytes.toString();
      if (!this.isOurs(name) || name.startsWith('.')) return [];
      return !Buffer.from(name).equals(bytes) || this.#leadsElsewhere(name) ? [name] : [];
    });
  }

  #leadsElsewhere(name: string): boolean {
    if (this.stat(name)?.isSymbolicLink() !== true) return false;
    try {
      const place = realpathSync(this.join(name));
      return statSync(place).isFile() && dirname(place) !== realpathSync(this.path);
    } catch {
      return false; // it leads nowhere
    }
  }

  /** Removes what a killed run had not finished writing. */
  removeTemporaries(): void {
    for (const name of readdirSync(this.path)) {
      const log = logOfTemporary(name);
      if (log !== undefined && this.isOurs(log) && this.stat(name)?.isFile() === true) unlinkSync(this.join(name));
    }
  }

  /** Makes names created and removed here durable. */
  sync(): void {
    syncDirectory(this.path);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
