import type { Clock } from '../base/clock.ts';
import type { Printer } from './printer.ts';
import type { Terminal } from './terminal.ts';

export interface PrinterOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** The printer that the command line asks for. */
export async function createPrinter(options: PrinterOptions): Promise<Printer> {
  if (options.json) return (await import('./jsonPrinter.ts')).jsonPrinter(options);
  return (await import('./textPrinter.ts')).textPrinter(options);
}
