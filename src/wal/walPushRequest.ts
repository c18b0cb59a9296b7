import { askService, serviceState, stopService, type ServicePlace } from './background/serviceRequest.ts';

export interface ArchiverRequest {
  readonly kind: 'push';
  /** Absolute. */
  readonly path: string;
  /** What decides the repository; an archiver for another one does not serve. */
  readonly origin: string;
}

export interface ArchiverState {
  readonly pid: number;
  /** Since it began. */
  readonly storedFiles: number;
}

/** Where the archiver of a spool directory listens. */
export function archiverPlace(spool: string): ServicePlace {
  return { directory: spool, name: 'archiver.sock' };
}

/**
 * Asks the running archiver to store a file. True once it is durable; false when no archiver of this repository runs.
 * Throws what hindered it. This module loads almost nothing: it runs once a segment.
 */
export async function askToStore(
  spool: string,
  file: Omit<ArchiverRequest, 'kind'>,
  signal: AbortSignal,
): Promise<boolean> {
  const request: ArchiverRequest = { kind: 'push', ...file };
  return (await askService(archiverPlace(spool), request, signal)) === 'stored';
}

/** State of the running archiver, undefined when there is none. */
export function archiverState(spool: string, signal: AbortSignal): Promise<ArchiverState | undefined> {
  return serviceState(archiverPlace(spool), signal);
}

/** Asks the archiver to end when it has done what it is doing; nothing happens when there is none. */
export function stopArchiver(spool: string, signal: AbortSignal): Promise<void> {
  return stopService(archiverPlace(spool), signal);
}
