import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { syncDirectory, writeFileAtomic } from '../../base/atomicFile.ts';
import type { StepEnvironment } from '../stepKind.ts';

/** Keys that all steps have which write a directory. */
export const destinationShape = {
  destination: z.string().min(1).describe("Directory to restore into; relative to the run's working directory."),
  existing: z
    .enum(['refuse', 'delta', 'overwrite'])
    .default('refuse')
    .describe('What to do with files that are there: refuse, rewrite what differs, or replace.'),
};

/** Where a step restores to, and what it may do with what is there. */
export interface StepDestination {
  readonly path: string;
  readonly existing: 'refuse' | 'delta' | 'overwrite';
  /** Notes that from now on the files there are ours, so that another attempt may go on with them. */
  begin(): void;
  /** What the files were restored for is done too. */
  end(): void;
}

/**
 * A step that refuses a directory with files in it may still go on after a crash: that its own former attempt had
 * found the directory fit is noted in the run's working directory.
 */
export function stepDestination(
  { destination, existing }: { readonly destination: string; readonly existing: StepDestination['existing'] },
  step: StepEnvironment,
): StepDestination {
  const note = attemptNote(step);
  return {
    path: resolve(step.directory, destination),
    existing: existing === 'refuse' && note.read() !== undefined ? 'delta' : existing,
    begin: () => note.write(''),
    end: () => note.remove(),
  };
}

/** What an attempt leaves for the next one, in case it is cut short. */
export interface AttemptNote {
  /** Undefined when no attempt was cut short. */
  read(): string | undefined;
  write(text: string): void;
  remove(): void;
}

export function attemptNote({ directory, step }: StepEnvironment): AttemptNote {
  const path = join(directory, `.restoring-${step}`);
  return {
    read: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    write: (text) => {
      mkdirSync(directory, { recursive: true });
      writeFileAtomic(path, Buffer.from(text));
    },
    remove: () => {
      rmSync(path, { force: true });
      syncDirectory(directory);
    },
  };
}
