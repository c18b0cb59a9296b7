import { errorCodes, type ErrorCode } from '../base/errorCodes.ts';
import { errorMessage, OperationError } from '../base/errors.ts';
import { jsonLine } from './jsonLine.ts';

export interface ReportOptions {
  readonly json: boolean;
  /** Add the chain of causes; for our own bugs the stack too. */
  readonly verbose: boolean;
}

interface Shown {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The lines that tell a person (or, as one JSON line, a program) why the command failed; each ends with `\n`. */
export function errorReport(error: unknown, { json, verbose }: ReportOptions): string {
  const shown = shownError(error);
  if (json) return jsonLine('error', jsonFields(error, shown));
  const lines = [`understudy: ${oneLine(shown.message)}`];
  if (shown.hint !== undefined) lines.push(`hint: ${oneLine(shown.hint)}`);
  if (verbose) lines.push(...details(error));
  return `${lines.join('\n')}\n`;
}

/** The exit status that belongs to an error. */
export function exitCodeOf(error: unknown): number {
  return errorCodes[shownError(error).code].exit;
}

/** What of an error is told: one of ours, or a bug. */
export function shownError(error: unknown): Shown {
  if (error instanceof OperationError) return { code: error.code, message: error.message, hint: error.hint };
  return {
    code: 'internal',
    message: `internal error: ${errorMessage(error)}`,
    hint: 'this is a bug in understudy; please report it with the output of the same command with --verbose',
  };
}

function jsonFields(error: unknown, { code, message, hint }: Shown) {
  const detail =
    error instanceof OperationError && Object.keys(error.detail).length > 0 ? { detail: error.detail } : {};
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    exit: errorCodes[code].exit,
    ...detail,
  };
}

function details(error: unknown): string[] {
  const lines: string[] = [];
  if (error instanceof OperationError) lines.push(`code: ${error.code}`);
  else if (error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  const seen = new Set<unknown>([error]);
  for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    lines.push(`caused by: ${oneLine(errorMessage(cause))}`);
  }
  return lines;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
