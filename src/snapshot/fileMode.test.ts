import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goModeFromUnix, nodeTypeOfUnixMode, unixModeFromGo } from './fileMode.ts';

test.each([
  [0o100644, 420, 'file'],
  [0o040755, 2147484141, 'dir'],
  [0o120777, 134218239, 'symlink'],
  [0o060660, 67109296, 'dev'],
  [0o020660, 69206448, 'chardev'],
  [0o010600, 33554816, 'fifo'],
  [0o140755, 16777709, 'socket'],
  [0o104755, 8389101, 'file'],
  [0o042755, 2151678445, 'dir'],
  [0o041777, 2148532735, 'dir'],
] as const)('st_mode %o is %i (%s)', (stMode, goMode, type) => {
  expect(goModeFromUnix(stMode)).toBe(goMode);
  expect(nodeTypeOfUnixMode(stMode)).toBe(type);
});

test('property: modes survive', () => {
  const types = fc.constantFrom(0o100000, 0o040000, 0o120000, 0o060000, 0o020000, 0o010000, 0o140000);
  fc.assert(
    fc.property(types, fc.integer({ min: 0, max: 0o7777 }), (type, bits) => {
      const stMode = type + bits;
      expect(unixModeFromGo(goModeFromUnix(stMode), nodeTypeOfUnixMode(stMode))).toBe(stMode);
    }),
  );
});

test('an unknown file type is an error', () => {
  expect(() => goModeFromUnix(0o150644)).toThrow('file type 150000 is unknown');
});
