import { askLocally } from './background/localSocket.ts';

/** Name of the archiver's socket in its spool directory. */
export const archiverSocket = 'archiver.sock';

export type ArchiverRequest =
  | {
      readonly kind: 'push';
      /** Absolute. */
      readonly path: string;
      /** What decides the repository; an archiver for another one does not serve. */
      readonly origin: string;
    }
  | { readonly kind: 'state' }
  | { readonly kind: 'stop' };

export interface ArchiverState {
  readonly pid: number;
  readonly storedFiles: number;
}

/**
 * Asks the running archiver to store a file. True once it is durable; false when no archiver of this repository runs.
 * Throws what hindered it. This module loads almost nothing: it runs once a segment.
 */
export async function askToStore(
  spool: string,
  request: { readonly path: string; readonly origin: string },
  signal: AbortSignal,
): Promise<boolean> {
  const reply = await askArchiver(spool, { kind: 'push', ...request }, signal);
  return reply?.answer === 'stored';
}

/** State of the running archiver, undefined when there is none. */
export async function archiverState(spool: string, signal: AbortSignal): Promise<ArchiverState | undefined> {
  const reply = await askArchiver(spool, { kind: 'state' }, signal);
  return reply?.answer as ArchiverState | undefined;
}

/** Asks the archiver to end when it has done what it is doing; nothing happens when there is none. */
export async function stopArchiver(spool: string, signal: AbortSignal): Promise<void> {
  await askArchiver(spool, { kind: 'stop' }, signal);
}

function askArchiver(spool: string, request: ArchiverRequest, signal: AbortSignal) {
  return askLocally({ directory: spool, name: archiverSocket }, request, signal);
}
