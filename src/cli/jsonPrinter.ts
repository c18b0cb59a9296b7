import type { Printer } from './printer.ts';
import { jsonProgress, quietProgress, type ProgressOptions } from './progressBar.ts';

/** One NDJSON line. 64-bit numbers become text, dates ISO 8601, undefined fields are left out. */
export function jsonLine(messageType: string, fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ message_type: messageType, ...fields }, bigintAsText)}\n`;
}

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

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
