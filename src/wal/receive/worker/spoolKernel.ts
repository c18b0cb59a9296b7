import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from '../../../base/workerPool.ts';
import { spoolFileError } from './spoolErrors.ts';
import { SpoolFile, type SpoolAppend, type SpooledSegment } from './spoolFile.ts';
import { attempt } from './taskResult.ts';

export interface SpoolKernelInit {
  readonly directory: string;
}

export type SpoolTask =
  | { readonly kind: 'load' }
  | ({ readonly kind: 'append'; readonly file: number } & SpoolAppend)
  | { readonly kind: 'clear'; readonly file: number };

/** Answer to `load`: the files that hold something. */
export type LoadedSpool = readonly ({ readonly file: number } & SpooledSegment)[];

const filePattern = /^spool-(\d{1,4})$/;

/** The thread that writes and syncs the spool, one task after the other: it answers when the bytes are durable. */
export function createKernel({ directory }: SpoolKernelInit): Kernel {
  const files = new Map<number, SpoolFile>();
  const fileAt = (number: number): SpoolFile => {
    let file = files.get(number);
    if (file === undefined) {
      file = new SpoolFile(join(directory, `spool-${number}`));
      files.set(number, file);
    }
    return file;
  };
  const load = (): LoadedSpool =>
    readdirSync(directory)
      .map((name) => filePattern.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .flatMap((text) => {
        const number = Number(text);
        const found = fileAt(number).load();
        return found === undefined ? [] : [{ file: number, ...found }];
      });
  const run = (task: SpoolTask): unknown => {
    switch (task.kind) {
      case 'load':
        return load();
      case 'append':
        return fileAt(task.file).append(task);
      case 'clear':
        return fileAt(task.file).clear();
    }
  };
  return {
    run: (task: SpoolTask) =>
      attempt(async () => {
        try {
          return run(task);
        } catch (error) {
          throw spoolFileError(error, directory);
        }
      }),
  };
}
