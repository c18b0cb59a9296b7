import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTablespaceMap, parseTablespaceMap } from './tablespaceMap.ts';

const location = fc.record({
  oid: fc.integer({ min: 1, max: 0xffff_ffff }),
  path: fc.string({ unit: fc.constantFrom('/', 'a', ' ', '\\', '\n', '\r', 'ü', '1'), minLength: 1 }),
});

test('every map survives text', () => {
  fc.assert(
    fc.property(fc.array(location), (locations) => {
      expect(parseTablespaceMap(formatTablespaceMap(locations))).toEqual(locations);
    }),
  );
});

test('a map of two tablespaces, one with a blank in its path', () => {
  expect(parseTablespaceMap('16384 /srv/fast\n16385 /srv/my disk\n')).toEqual([
    { oid: 16384, path: '/srv/fast' },
    { oid: 16385, path: '/srv/my disk' },
  ]);
  expect(parseTablespaceMap('')).toEqual([]);
});

test.each(['/srv/fast\n', '16384\n', '16384 \n', '0 /srv\n', '99999999999 /srv\n', '\\'])('refuses %j', (text) => {
  expect(() => parseTablespaceMap(text)).toThrow(expect.objectContaining({ code: 'backup-invalid' }));
});
