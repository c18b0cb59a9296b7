import { isOperationError, type OperationError } from '../../base/errors.ts';

/** What one look at the machine found. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do about a warning or a failure. */
  readonly hint?: string;
}

/** The finding that an expected error stands for; anything else, and the end of the command, is thrown on. */
export function failedFinding(check: string, error: unknown): Finding {
  if (!isOperationError(error) || error.code === 'interrupted') throw error;
  return { check, verdict: 'failed', message: error.message, ...hintOf(error) };
}

function hintOf({ hint }: OperationError): { hint?: string } {
  return hint === undefined ? {} : { hint };
}
