import type { Terminal } from '../terminal.ts';

const indent = '  ';

/** A sentence over as many lines as the screen needs, the later ones indented; one line where there is no screen. */
export function wrapped(text: string, { interactive, width }: Pick<Terminal, 'interactive' | 'width'>): string[] {
  if (!interactive) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && columnsOf(longer) >= width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}

/** A line of which the first `head` columns are a label: what does not fit goes on under the text, not the label. */
export function wrappedBehind(line: string, head: number, terminal: Pick<Terminal, 'interactive' | 'width'>): string[] {
  const { interactive, width } = terminal;
  if (!interactive || line.length < width) return [line];
  const [first = '', ...more] = wrapped(line.slice(head), { interactive, width: width - head });
  return [line.slice(0, head) + first, ...more.map((text) => ' '.repeat(head) + text)];
}

/** Colours take no place. */
function columnsOf(text: string): number {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\x1b\[\d+m/g, '').length;
}
