import { jsonLine } from './jsonLine.ts';
import type { Printer } from './printer.ts';
import { jsonProgress, quietProgress, type ProgressOptions } from './progressBar.ts';

/** Prints objects for programs: results and status to standard output, warnings to standard error. */
export function jsonPrinter(options: ProgressOptions & { readonly quiet: boolean }): Printer {
  const { terminal, quiet } = options;
  const progress = quiet ? quietProgress() : jsonProgress(options);
  return {
    json: true,
    progress,
    result: (messageType, fields) => terminal.out(jsonLine(messageType, fields)),
    remark: () => undefined,
    warn: (message) => terminal.error(jsonLine('warning', { message })),
    end: (completed) => progress.end(completed),
  };
}
