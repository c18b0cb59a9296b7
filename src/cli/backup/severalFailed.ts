import { errorCodes, type ErrorCode } from '../../base/errorCodes.ts';
import { errorMessage, isOperationError, OperationError } from '../../base/errors.ts';
import { plural } from '../format.ts';

/** The status of a source that is backed up, though not all of it could be read. */
const incompleteStatus = errorCodes.incomplete.exit;

/** The error of a backup in which sources failed: it ends as one that was not backed up at all, if there is one. */
export function severalFailed(failures: readonly unknown[], sources: number): OperationError {
  const worst = failures.find((failure) => errorCodes[codeOf(failure)].exit !== incompleteStatus) ?? failures[0];
  return new OperationError(codeOf(worst), `${failures.length} of ${plural(sources, 'source')} failed`, {
    hint: 'see the warnings above; the other sources were backed up',
    detail: { failures: failures.map((failure) => ({ code: codeOf(failure), message: errorMessage(failure) })) },
    cause: worst,
  });
}

function codeOf(failure: unknown): ErrorCode {
  return isOperationError(failure) ? failure.code : 'internal';
}
