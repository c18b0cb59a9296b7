import type { ErrorCode } from '../../../base/errorCodes.ts';
import { OperationError } from '../../../base/errors.ts';

/** How a task ended whose expected failures do not end its thread. */
export type TaskResult<T> =
  | { readonly value: T }
  | {
      readonly failure: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
        readonly detail: Readonly<Record<string, unknown>>;
      };
    };

/** In the thread: runs a task; an OperationError becomes a value, anything else is thrown. */
export async function attempt<T>(task: () => Promise<T>): Promise<TaskResult<T>> {
  try {
    return { value: await task() };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const { code, message, hint, detail } = error;
    return { failure: { code, message, hint, detail } };
  }
}

/** Outside the thread: the task's value, or its failure thrown. */
export function valueOf<T>(result: TaskResult<T>): T {
  if ('value' in result) return result.value;
  const { code, message, hint, detail } = result.failure;
  throw new OperationError(code, message, { detail, ...(hint === undefined ? {} : { hint }) });
}
