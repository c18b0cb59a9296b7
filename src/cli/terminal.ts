/** The part of a Node stream that printing needs. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Standard output and standard error, with a few lines at the bottom of the screen that can be redrawn. */
export interface Terminal {
  /** Error output is a screen on which lines can be redrawn. */
  readonly interactive: boolean;
  readonly color: boolean;
  /** Columns of the screen; 80 when unknown. */
  readonly width: number;
  /** Writes to standard output; the text ends its own lines. */
  out(text: string): void;
  /** Writes to standard error. */
  error(text: string): void;
  /** Replaces the lines at the bottom of the screen; no lines remove them. Nothing when not interactive. */
  setStatus(lines: readonly string[]): void;
}

export interface TerminalOptions {
  readonly stdout: () => OutputStream;
  readonly stderr: () => OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly noColor: boolean;
}

/** Streams are asked for at the first write: opening them costs time that a silent command need not spend. */
export function createTerminal(options: TerminalOptions): Terminal {
  let shown: readonly string[] = [];
  const dumb = options.environment['TERM'] === 'dumb';
  const eraseStatus = () => {
    if (shown.length > 0) options.stderr().write(`\r\x1b[${shown.length > 1 ? `${shown.length - 1}A\x1b[` : ''}J`);
  };
  const drawStatus = () => {
    if (shown.length > 0) options.stderr().write(shown.join('\n'));
  };
  const aside = (write: () => void) => {
    eraseStatus();
    write();
    drawStatus();
  };
  const terminal: Terminal = {
    get interactive() {
      return options.stderr().isTTY === true && !dumb;
    },
    get color() {
      if (options.noColor || (options.environment['NO_COLOR'] ?? '') !== '' || dumb) return false;
      return options.stdout().isTTY === true;
    },
    get width() {
      return options.stderr().columns ?? options.stdout().columns ?? 80;
    },
    out: (text) => aside(() => options.stdout().write(text)),
    error: (text) => aside(() => options.stderr().write(text)),
    setStatus(lines) {
      if (!terminal.interactive) return;
      eraseStatus();
      shown = lines.map((line) => line.slice(0, terminal.width - 1));
      drawStatus();
    },
  };
  return terminal;
}

const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

/** Text in a style, or as it is where there are no colours. */
export function styled(terminal: Pick<Terminal, 'color'>, style: keyof typeof styles, text: string): string {
  const [begin, end] = styles[style];
  return terminal.color ? `\x1b[${begin}m${text}\x1b[${end}m` : text;
}
