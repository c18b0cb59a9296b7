import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory, writeAllSync } from '../base/atomicFile.ts';
import { OperationError, errorMessage, systemErrorCode } from '../base/errors.ts';
import type { JournalEntry } from './runEvent.ts';

/** Where a run writes down what happens, before anything depends on it. */
export interface Journal {
  /** When it returns, the entry is on disk. */
  append(entry: JournalEntry): void;
}

/** What is written in a journal file. */
export interface JournalContent {
  readonly entries: readonly JournalEntry[];
  /** Bytes of complete lines; what follows them was being written when the process died. */
  readonly soundBytes: number;
}

/** The journal in a file: one JSON object a line, each synced before `append` returns. */
export class FileJournal implements Journal, Disposable {
  readonly #path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** Makes a new file, durably. Throws `file-io` and `file-denied`. */
  static create(path: string): FileJournal {
    return onJournal(path, () => {
      const fd = openSync(path, 'ax', 0o600);
      syncDirectory(dirname(path));
      return new FileJournal(path, fd);
    });
  }

  /** Goes on behind the last complete line; an incomplete one is cut off. */
  static reopen(path: string, { soundBytes }: JournalContent): FileJournal {
    return onJournal(path, () => {
      const fd = openSync(path, 'r+');
      ftruncateSync(fd, soundBytes);
      fsyncSync(fd);
      closeSync(fd);
      return new FileJournal(path, openSync(path, 'a'));
    });
  }

  append(entry: JournalEntry): void {
    onJournal(this.#path, () => {
      writeAllSync(this.#fd, Buffer.from(`${JSON.stringify(entry)}\n`));
      fsyncSync(this.#fd);
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** Reads a journal as far as it is sound. Throws `not-found` when there is none, `file-io` when a line is damaged. */
export function readJournal(path: string): JournalContent {
  const bytes = onJournal(path, () => readFileSync(path));
  const soundBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, soundBytes).toString('utf8').split('\n').slice(0, -1);
  const entries = lines.map((line, index) => {
    try {
      return JSON.parse(line) as JournalEntry;
    } catch (cause) {
      throw new OperationError('file-io', `line ${index + 1} of the journal ${path} is damaged`, {
        hint: 'was the file edited? put back a copy of it',
        cause,
      });
    }
  });
  return { entries, soundBytes };
}

function onJournal<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const codes = { EACCES: 'file-denied', EPERM: 'file-denied', ENOENT: 'not-found' } as const;
    const code = codes[systemErrorCode(cause) as keyof typeof codes] ?? 'file-io';
    throw new OperationError(code, `the journal ${path} cannot be used: ${errorMessage(cause)}`, { cause });
  }
}
