import { expect, test } from 'vitest';
import { parseWalFileName } from './walFileName.ts';

test('tells the four kinds apart', () => {
  const segment = '0000000A00000016000000B3';
  expect(parseWalFileName(segment)).toEqual({ kind: 'segment', segment });
  expect(parseWalFileName(`${segment}.partial`)).toEqual({ kind: 'partial', segment });
  expect(parseWalFileName(`${segment}.0000D848.backup`)).toEqual({ kind: 'backup', segment, offsetBytes: 0xd848 });
  expect(parseWalFileName('0000000A.history')).toEqual({ kind: 'history', timeline: 10 });
});

test.each([
  '',
  'RECOVERYXLOG',
  '0000000a00000016000000b3',
  '0000000A00000016000000B',
  '0000000A00000016000000B3 ',
  '0000000A00000016000000B3.tmp',
  '0000000A00000016000000B3.backup',
  '0000000A00000016000000B3.partial.gz',
  '0000000000000016000000B3',
  '00000000.history',
  'A.history',
  'pg_wal/0000000A00000016000000B3',
])('refuses %j', (name) => {
  expect(parseWalFileName(name)).toBeUndefined();
});
