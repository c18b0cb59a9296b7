import { expect, test } from 'vitest';
import { formatTable } from './table.ts';
import { createTerminal, styled, type TerminalOptions } from './terminal.ts';

function capture(isTTY: boolean, options: Partial<TerminalOptions> = {}) {
  const written: string[] = [];
  const stream = { isTTY, columns: 20, write: (text: string) => written.push(text) };
  const terminal = createTerminal({
    stdout: () => stream,
    stderr: () => stream,
    environment: {},
    noColor: false,
    ...options,
  });
  return { terminal, written };
}

test('lines are written above the status, which is drawn again', () => {
  const { terminal, written } = capture(true);
  terminal.setStatus(['one', 'a line that is longer than the screen']);
  terminal.out('text\n');
  terminal.setStatus([]);
  terminal.error('end\n');
  const second = 'a line that is long';
  expect(written).toEqual([
    `one\n${second}`,
    '\r\x1b[1A\x1b[J',
    'text\n',
    `one\n${second}`,
    '\r\x1b[1A\x1b[J',
    'end\n',
  ]);
});

test('without a screen there is no status and no colour', () => {
  const { terminal, written } = capture(false);
  terminal.setStatus(['one']);
  expect(written).toEqual([]);
  expect(terminal).toMatchObject({ interactive: false, color: false });
  expect(capture(true, { environment: { TERM: 'dumb' } }).terminal).toMatchObject({ interactive: false, color: false });
});

test('colours: on a screen, unless NO_COLOR or --no-color', () => {
  expect(styled(capture(true).terminal, 'red', 'x')).toBe('\x1b[31mx\x1b[39m');
  expect(styled(capture(true, { environment: { NO_COLOR: '1' } }).terminal, 'red', 'x')).toBe('x');
  expect(styled(capture(true, { noColor: true }).terminal, 'red', 'x')).toBe('x');
});

test('a table aligns its columns and leaves no spaces at the ends of lines', () => {
  const rows = [
    { name: 'a', size: '1' },
    { name: 'longer', size: '12345' },
  ];
  const columns = [
    { title: 'Name', value: (row: (typeof rows)[0]) => row.name },
    { title: 'Size', align: 'right' as const, value: (row: (typeof rows)[0]) => row.size },
  ];
  expect(formatTable({ color: false }, columns, rows)).toBe('Name     Size\na           1\nlonger  12345');
  expect(formatTable({ color: false }, columns, [])).toBe('Name  Size');
});
