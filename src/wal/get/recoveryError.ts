import { OperationError, isOperationError } from '../../base/errors.ts';

/** Any expected failure but a proved absence as one that stops recovery. Bugs stay as they are: they stop it too. */
export function asRecoveryError(name: string, error: unknown): unknown {
  if (!isOperationError(error) || error.code === 'wal-missing' || error.code === 'wal-unavailable') return error;
  return new OperationError('wal-unavailable', `cannot get ${name} from the archive: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    detail: { ...error.detail, cause: error.code },
    cause: error,
  });
}
