import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** The prefix that servers are started with; it makes each line recognisable. */
export const logLinePrefix = '%m [%p] ';

export interface LogEntry {
  readonly severity: string;
  readonly message: string;
  /** What followed: DETAIL, HINT, CONTEXT, with their labels, and continuation lines. */
  readonly more: readonly string[];
}

const entryPattern = /^\S+ \S+ \S+ \[\d+\] ([A-Z]+\d?): {2}(.*)$/;
const annotations = new Set(['DETAIL', 'HINT', 'CONTEXT', 'STATEMENT', 'QUERY', 'LOCATION', 'BACKTRACE']);
const readBytes = 64 * 1024;

/** Follows a server's log file as it grows, entry by entry. */
export class ServerLog {
  readonly #path: string;
  readonly #onEntry: (entry: LogEntry) => void;
  readonly #decoder = new StringDecoder('utf8');
  readonly #buffer = Buffer.alloc(readBytes);
  #offset = 0;
  #rest = '';
  #open: { severity: string; message: string; more: string[] } | undefined;

  constructor(path: string, onEntry: (entry: LogEntry) => void) {
    this.#path = path;
    this.#onEntry = onEntry;
  }

  /** Reads what was added. The newest entry is held back until it cannot grow any more; `flush` gives it too. */
  read(flush: boolean): void {
    const fd = openSync(this.#path, 'r');
    try {
      for (;;) {
        const length = readSync(fd, this.#buffer, 0, readBytes, this.#offset);
        if (length === 0) break;
        this.#offset += length;
        this.#add(this.#decoder.write(this.#buffer.subarray(0, length)));
      }
    } finally {
      closeSync(fd);
    }
    if (flush) this.#close();
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const match = entryPattern.exec(line);
    const [, severity = '', message = ''] = match ?? [];
    if (match === null || annotations.has(severity)) {
      const text = match === null ? line.trim() : `${severity}: ${message}`;
      // before the first entry: words of the loader or the shell, which matter when nothing else comes
      if (this.#open === undefined) this.#onEntry({ severity: 'OUTPUT', message: text, more: [] });
      else this.#open.more.push(text);
      return;
    }
    this.#close();
    this.#open = { severity, message, more: [] };
  }

  #close(): void {
    if (this.#open !== undefined) this.#onEntry(this.#open);
    this.#open = undefined;
  }
}
