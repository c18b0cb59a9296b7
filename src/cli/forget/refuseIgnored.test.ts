import { expect, test } from 'vitest';
import { parseCommandLine } from '../parse.ts';
import { refuseIgnored } from './refuseIgnored.ts';

function attempt(...words: readonly string[]): void {
  const parsed = parseCommandLine(['forget', ...words]);
  if (!('registered' in parsed)) throw new Error('no command was parsed');
  refuseIgnored(parsed.arguments, parsed.options as Parameters<typeof refuseIgnored>[1]);
}

test.each([
  [['1a2b', '--source', 'main'], '--source'],
  [['1a2b', '--tag', 'a', '--host', 'h'], '--tag, --host'],
  [['1a2b', '--path', '/p'], '--path'],
  [['--keep-last', '1', '--recovery-window', '14d'], '--recovery-window'],
  [['--keep-last', '1', '--max-unused', '5%', '--repack-small'], '--max-unused, --repack-small'],
  [['1a2b', '--max-repack-size', '1G'], '--max-repack-size'],
])('%j would have no effect in a part', (words, flags) => {
  const message = expect.stringMatching(new RegExp(`(^|, and )${flags} would be ignored`));
  expect(() => attempt(...words)).toThrow(expect.objectContaining({ code: 'usage', message }));
});

test('what has an effect is taken', () => {
  attempt('1a2b', '--force', '--group-by', 'host');
  attempt('--keep-last', '1', '--source', 'main', '--tag', 'a');
  attempt('1a2b', '--prune', '--recovery-window', '14d', '--max-unused', '5%', '--repack-small');
});
