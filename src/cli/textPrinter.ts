import type { Printer } from './printer.ts';
import { progressBar, quietProgress, type ProgressOptions } from './progressBar.ts';
import { styled } from './terminal.ts';

/** Prints for people: results and remarks to standard output, progress and warnings to standard error. */
export function textPrinter(options: ProgressOptions & { readonly quiet: boolean }): Printer {
  const { terminal, quiet } = options;
  const warn = (message: string) => terminal.error(`${styled(terminal, 'yellow', 'warning:')} ${message}\n`);
  const progress = quiet ? { ...quietProgress(), note: warn } : progressBar(options);
  return {
    json: false,
    progress,
    result: (_messageType, _fields, text) => terminal.out(`${text()}\n`),
    remark: (text) => {
      if (!quiet) terminal.out(`${text}\n`);
    },
    warn,
    end: (completed) => progress.end(completed),
  };
}
