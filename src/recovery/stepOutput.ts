import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { writeAllSync } from '../base/atomicFile.ts';
import { OperationError, errorMessage } from '../base/errors.ts';
import type { Mask } from './mask.ts';

/** More than this of what one attempt prints is not kept. */
const mostBytes = 4 * 1024 * 1024;

/** Takes what one attempt of a step prints: masked, into a file, with a digest over what the file holds. */
export interface StepOutput extends Disposable {
  /**
   * What comes after the end is dropped: what a step has left running may still talk. Throws `file-io` when the line
   * cannot be kept.
   */
  write(line: string): void;
  /** SHA-256 of the file; null when nothing was printed. */
  digest(): string | null;
}

/** Opens the file of an attempt in a directory, made when the first line comes. */
export type OpenOutput = (step: string, attempt: number) => StepOutput;

export function outputDirectory(directory: string, mask: Mask): OpenOutput {
  return (step, attempt) => {
    const path = join(directory, `${step}-${attempt}.log`);
    const hash = createHash('sha256');
    let fd: number | undefined;
    let sizeBytes = 0;
    let closed = false;
    const append = (line: string): void => {
      if (fd === undefined) {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        fd = openSync(path, 'w', 0o600);
      }
      const bytes = Buffer.from(`${mask.text(line)}\n`);
      const cut = sizeBytes + bytes.byteLength > mostBytes ? Buffer.from('[the rest was not kept]\n') : bytes;
      sizeBytes = cut === bytes ? sizeBytes + bytes.byteLength : mostBytes;
      writeAllSync(fd, cut);
      hash.update(cut);
    };
    return {
      write: (line) => {
        if (closed || sizeBytes >= mostBytes) return;
        try {
          append(line);
        } catch (cause) {
          const message = `what step ${step} prints cannot be kept in ${path}: ${errorMessage(cause)}`;
          throw new OperationError('file-io', message, { cause, hint: 'is its file system full?' });
        }
      },
      digest: () => (fd === undefined ? null : hash.copy().digest('hex')),
      [Symbol.dispose]: () => {
        closed = true;
        if (fd !== undefined) closeSync(fd);
      },
    };
  };
}
