import { errorCodes, type ErrorCode } from '../../base/errorCodes.ts';
import { errorMessage, isOperationError, OperationError } from '../../base/errors.ts';
import { plural } from '../format.ts';

/** Statuses of sources that are backed up: not all could be read, or the backup could not be tested. */
const milder = [errorCodes.incomplete.exit, errorCodes['verification-inconclusive'].exit];

/** The error of a backup in which sources failed: it ends as one that was not backed up at all, if there is one. */
export function severalFailed(failures: readonly unknown[], sources: number): OperationError {
  const rank = (failure: unknown): number => milder.indexOf(errorCodes[codeOf(failure)].exit);
  const worst = failures.find((failure) => rank(failure) < 0) ?? failures.toSorted((a, b) => rank(b) - rank(a))[0];
  return new OperationError(codeOf(worst), `${failures.length} of ${plural(sources, 'source')} failed`, {
    hint: 'see the warnings above; the other sources were backed up',
    detail: { failures: failures.map((failure) => ({ code: codeOf(failure), message: errorMessage(failure) })) },
    cause: worst,
  });
}

function codeOf(failure: unknown): ErrorCode {
  return isOperationError(failure) ? failure.code : 'internal';
}
