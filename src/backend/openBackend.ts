import { OperationError } from '../base/errors.ts';
import type { RetryPolicy } from '../base/retry.ts';
import type { Backend } from './backend.ts';
import { withConcurrencyLimit } from './limitConcurrency.ts';
import { openLocalBackend, type LocalBackendOptions } from './local.ts';
import { withLogging } from './logging.ts';
import { openMemoryBackend } from './memory.ts';
import { withRetry } from './retry.ts';

/** Operations of one process on one backend at the same time. */
const maxActiveOperations = 16;

/** A disk that fails for ten seconds is not going to recover while somebody waits. */
const localRetryPolicy: RetryPolicy = { firstDelayMs: 200, maxDelayMs: 3_000, totalMs: 10_000 };

export interface OpenBackendOptions extends LocalBackendOptions {
  readonly retry?: RetryPolicy;
}

/**
 * Opens the backend that a location names: `/path`, `local:/path`, `mem:`; a path may be relative to the current
 * directory. It comes complete: retries outside the concurrency limit (a pause holds no place), the log outside of
 * both. Throws `usage` for a location that makes no sense, without repeating it (it may hold a password), and what the
 * driver throws.
 */
export async function openBackend(location: string, options: OpenBackendOptions = {}): Promise<Backend> {
  const driver = openDriver(location, options);
  const limited = withConcurrencyLimit(driver, maxActiveOperations);
  return withLogging(withRetry(limited, options.retry ?? localRetryPolicy));
}

function openDriver(location: string, options: LocalBackendOptions): Backend {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(location)?.[1];
  const rest = scheme === undefined ? location : location.slice(scheme.length + 1);
  if (scheme === 'mem' && rest === '') return openMemoryBackend();
  if ((scheme === undefined || scheme === 'local') && rest !== '') return openLocalBackend(rest, options);
  throw new OperationError('usage', `cannot open a repository ${describe(scheme, rest)}`, {
    hint: 'supported are /path, local:/path and mem: (in memory, for trials); write ./a:b for a path with a colon',
  });
}

function describe(scheme: string | undefined, rest: string): string {
  if (scheme === undefined) return 'without a location';
  if (scheme === 'local') return 'at local: without a path';
  return scheme === 'mem'
    ? `at mem: with ${rest.length} more characters`
    : `at a location of the unknown kind ${scheme}:`;
}
