import { isOperationError, OperationError } from '../../base/errors.ts';

/** pg_dump waits for locks under a statement time-out, and has none otherwise. */
const words = /canceling statement due to (?:lock|statement) timeout/;

/** Says what a lock time-out in the middle of a dump means, ours or that of pg_dump; anything else stays as it is. */
export function explainLockConflict(error: unknown, database: string): unknown {
  if (!isOperationError(error)) return error;
  const { stderr = [] } = error.detail as { readonly stderr?: readonly string[] };
  if (![error.message, ...stderr].some((line) => words.test(line))) return error;
  return new OperationError('backup-aborted', `somebody changes a table of ${database} and waits for the dump`, {
    hint: 'the dump gave way, so that nobody waits behind the change: run it again when the change is done',
    cause: error,
  });
}
