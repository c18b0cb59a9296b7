import type { Terminal } from '../terminal.ts';

const indent = '  ';

/** A sentence over as many lines as the screen needs, the later ones indented; one line where there is no screen. */
export function wrapped(text: string, { interactive, width }: Pick<Terminal, 'interactive' | 'width'>): string[] {
  if (!interactive) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && longer.length >= width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}
