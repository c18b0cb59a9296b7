import { errorCodes, type ErrorCode, type ErrorCodeEntry } from './errorCodes.ts';

export interface OperationErrorOptions {
  /** The next step for the person who reads it: a sentence or a question a DBA would ask. */
  readonly hint?: string;
  /** Typed values for logs and JSON; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An expected failure that is shown to a person. The message is lower-case and says what was attempted. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: OperationErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail ?? {};
  }

  get entry(): ErrorCodeEntry {
    return errorCodes[this.code];
  }
}

/** Our own bug. Thrown by `assert`; never caught to go on, never retried. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** States what must be true here. `message` is a constant string that says which rule was broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** True for an `OperationError` with one of the given codes (any code when none is given). */
export function isOperationError(error: unknown, ...codes: readonly ErrorCode[]): error is OperationError {
  return error instanceof OperationError && (codes.length === 0 || codes.includes(error.code));
}

/** The `code` of a Node.js system error (`ENOENT`, `ECONNREFUSED`, ...), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The message of anything that was thrown, for composing one-line errors. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
