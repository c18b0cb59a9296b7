import { expect, test } from 'vitest';
import { intentName, logOfTemporary, nextPiece, parsePieceName } from './pieceName.ts';

const now = new Date('2026-11-22T14:15:00.123Z');

test('a piece is recognised by its name, packed or not', () => {
  const piece = nextPiece('app.log', now, []);
  expect(piece).toEqual({ log: 'app.log', name: 'app.log.20261122T141500.123Z', time: now });
  expect(parsePieceName(piece.name)).toEqual({ ...piece, packed: false });
  expect(parsePieceName(`${piece.name}.gz`)).toEqual({ ...piece, packed: true });
  expect(logOfTemporary(`${piece.name}.gz-tmp-0123456789ab`)).toBe('app.log');
  expect(logOfTemporary(`${intentName('app.log')}-tmp-0123456789ab`)).toBe('app.log');
});

test('what others leave beside a log is no piece', () => {
  const names = [
    'app.log',
    'app.log.1',
    'app.log.gz',
    'app.log-20261122',
    'app.log.20269922T141500.123Z',
    '.20261122T141500.123Z',
  ];
  expect(names.filter((name) => parsePieceName(name) !== undefined)).toEqual([]);
  expect(logOfTemporary('app.log-tmp-0123456789ab')).toBeUndefined();
});

test('pieces of a log follow each other when the clock goes back or stands still', () => {
  const first = nextPiece('app.log', now, []);
  const other = nextPiece('error.log', new Date(now.getTime() + 5000), []);
  const second = nextPiece('app.log', new Date(now.getTime() - 60_000), [first, other]);
  const third = nextPiece('app.log', now, [second, first]);
  expect([first, second, third].map(({ name }) => name.slice(-4))).toEqual(['123Z', '124Z', '125Z']);
});
