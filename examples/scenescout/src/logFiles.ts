import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type LogName = 'application' | 'ingestion' | 'error';

/**
 * application.log, ingestion.log and error.log: one JSON object a line, each line one append, so that a line is whole
 * in one file or the other when the files are renamed between two lines. `reopen()` (on SIGHUP) goes on in new files.
 */
export class LogFiles implements Disposable {
  readonly #directory: string;
  #descriptors: Readonly<Record<LogName, number>>;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#descriptors = this.#open();
  }

  write(name: LogName, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const line = JSON.stringify({ time: new Date().toISOString(), message, ...fields });
    writeSync(this.#descriptors[name], `${line}\n`);
  }

  error(message: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    const stack = error instanceof Error ? error.stack : String(error);
    this.write('error', message, { ...fields, stack });
  }

  reopen(): void {
    const previous = this.#descriptors;
    this.#descriptors = this.#open();
    Object.values(previous).forEach(closeSync);
  }

  [Symbol.dispose](): void {
    Object.values(this.#descriptors).forEach(closeSync);
  }

  #open(): Record<LogName, number> {
    const open = (name: LogName) => openSync(join(this.#directory, `${name}.log`), 'a', 0o640);
    return { application: open('application'), ingestion: open('ingestion'), error: open('error') };
  }
}
