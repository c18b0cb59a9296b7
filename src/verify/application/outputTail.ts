const mostLines = 30;
const mostLineLength = 300;
const hidden = '[redacted]';

/** The last lines that a command printed, without what looks like credentials: they are kept in the proof. */
export class OutputTail {
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > mostLines) this.#lines.shift();
  }

  lines(): string[] {
    return this.#lines.map((line) => hideCredentials(line).slice(0, mostLineLength));
  }
}

/** Passwords in URLs, values of variables that are named like secrets, bearer tokens. */
function hideCredentials(line: string): string {
  return line
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s@]+@/gi, `$1:${hidden}@`)
    .replace(
      /((?:pass(?:word|wd)?|secret|token|api_?key|private_?key|credentials?)["']?\s*[:=]\s*)\S+/gi,
      `$1${hidden}`,
    )
    .replace(/\b(bearer\s+)\S+/gi, `$1${hidden}`);
}
