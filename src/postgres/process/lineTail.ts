/** Cuts text chunks into lines and remembers the last of them, bounded in number and length. */
export class LineTail {
  readonly #lines: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  #rest = '';

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(text: string): void {
    const pieces = (this.#rest + text).split('\n');
    this.#rest = (pieces.pop() ?? '').slice(0, maxLineLength);
    for (const line of pieces) this.#add(line);
  }

  /** The stream ended: what follows the last newline is a line too. */
  end(): void {
    if (this.#rest !== '') this.#add(this.#rest);
    this.#rest = '';
  }

  lines(): readonly string[] {
    return this.#rest === '' ? [...this.#lines] : [...this.#lines, this.#rest];
  }

  #add(raw: string): void {
    const line = raw.replace(/\r$/, '').slice(0, maxLineLength);
    this.#lines.push(line);
    if (this.#lines.length > maxLines) this.#lines.shift();
    this.#onLine?.(line);
  }
}

const maxLines = 50;
const maxLineLength = 4_096;
