import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileNamePart, parseDumpRecord, tableArchivePath } from './dumpRecord.ts';

test('names become parts of file names that cannot be mistaken for each other', () => {
  expect(tableArchivePath('shop', { schema: 'public', name: 'events' })).toBe('shop/data/public.events.dump');
  expect(fileNamePart('a.b/c%~\n')).toBe('a%2Eb%2Fc%25%7E%0A');
  expect(fileNamePart('Ü "quoted" name')).toBe('Ü "quoted" name');
  expect([fileNamePart('.'), fileNamePart('..')]).toEqual(['%2E', '%2E%2E']);
  const long = '.'.repeat(63);
  expect(fileNamePart(long)).toMatch(/^(%2E)+%?2?~[0-9a-f]{16}$/);
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(name, name, (one, other) => {
      const [a, b] = [fileNamePart(one), fileNamePart(other)];
      expect(a === b).toBe(one === other);
      expect(Buffer.byteLength(a)).toBeLessThanOrEqual(100);
      expect(a).not.toMatch(/[/.\0]/);
    }),
  );
});

test('a record that is none, or of a later format, is refused', () => {
  expect(() => parseDumpRecord(Buffer.from('{'))).toThrow('is not JSON');
  expect(() => parseDumpRecord(Buffer.from('{"format":2}'))).toThrow('record format 2');
  expect(() => parseDumpRecord(Buffer.from('{"format":1}'))).toThrow('is damaged');
});
