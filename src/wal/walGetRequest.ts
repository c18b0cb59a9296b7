import { join, resolve } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { askService, serviceState, stopService, type ServicePlace } from './background/serviceRequest.ts';
import { parentLives, placeFile } from './get/placeFile.ts';
import { asRecoveryError } from './get/recoveryError.ts';

export interface PrefetcherRequest {
  readonly kind: 'get';
  /** As restore_command's `%f`. */
  readonly name: string;
  /** What decides repository, cluster and history; a prefetcher for others does not serve. */
  readonly origin: string;
}

export interface PrefetcherState {
  readonly pid: number;
  readonly readySegments: number;
}

/** Where the prefetcher of a spool directory listens. */
export function prefetcherPlace(spool: string): ServicePlace {
  return { directory: spool, name: 'prefetcher.sock' };
}

/** Directory of the segments that restore_command may take without asking. */
export function readyDirectory(spool: string): string {
  return join(spool, 'ready');
}

/** What restore_command asks for. */
export interface WantedFile {
  /** Its `%f`. */
  readonly name: string;
  /** Its `%p`. */
  readonly target: string;
}

/**
 * Gets a file through the running prefetcher; false when none of this origin runs. Throws `wal-missing`,
 * `wal-unavailable`. This module loads almost nothing: it runs once a segment.
 */
export async function getFromPrefetcher(
  signal: AbortSignal,
  { name, target, spool, origin }: WantedFile & { readonly spool: string; readonly origin: string },
): Promise<boolean> {
  const stillWanted = parentLives();
  const request: PrefetcherRequest = { kind: 'get', name, origin };
  const path = (await askService(prefetcherPlace(spool), request, signal)) as string | undefined;
  return path !== undefined && placeFile(path, resolve(target), stillWanted);
}

/**
 * Does what restore_command asked for in limited time. Throws `wal-missing` when absence is proved, and for every other
 * expected failure, also of time, `wal-unavailable`.
 */
export async function answerRecovery(
  ctx: Context,
  { name, timeoutMs }: { readonly name: string; readonly timeoutMs: number },
  work: (ctx: Context) => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const late = new OperationError('wal-unavailable', `cannot get ${name} from the archive: it took too long`, {
    hint: 'is the repository reachable, and its storage fast enough?',
    detail: { name, timeoutMs },
  });
  const deadline = new AbortController();
  const signal = AbortSignal.any([ctx.signal, deadline.signal]);
  const expiry = ctx.clock.sleep(timeoutMs, done.signal).then(() => {
    deadline.abort(late);
    throw late;
  });
  expiry.catch(() => undefined);
  try {
    await Promise.race([work({ ...ctx, signal }), expiry]);
  } catch (error) {
    throw asRecoveryError(name, error);
  } finally {
    done.abort();
  }
}

/** State of the running prefetcher, undefined when there is none. */
export function prefetcherState(spool: string, signal: AbortSignal): Promise<PrefetcherState | undefined> {
  return serviceState(prefetcherPlace(spool), signal);
}

/** Asks the prefetcher to end and to empty the spool; nothing happens when there is none. */
export function stopPrefetcher(spool: string, signal: AbortSignal): Promise<void> {
  return stopService(prefetcherPlace(spool), signal);
}
