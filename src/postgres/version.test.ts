import { expect, test } from 'vitest';
import {
  majorOfCatalogVersion,
  majorOfServerVersion,
  majorOfVersionFile,
  majorOfWalPageMagic,
  supportedMajors,
  tablespaceVersionDirectory,
  versionFacts,
} from './version.ts';

test('versions by their several numbers', () => {
  expect(majorOfServerVersion(130023)).toBe(13);
  expect(majorOfServerVersion(180004)).toBe(18);
  expect(majorOfVersionFile('15\n')).toBe(15);
  expect(tablespaceVersionDirectory(15)).toBe('PG_15_202209061');
  for (const major of supportedMajors) {
    expect(majorOfCatalogVersion(versionFacts(major).catalogVersion)).toBe(major);
    expect(majorOfWalPageMagic(versionFacts(major).walPageMagic)).toBe(major);
  }
  expect(majorOfWalPageMagic(0xd119)).toBeUndefined();
});

test.each([120020, 90624, 190000, Number.NaN])('%d is not supported', (version) => {
  expect(() => majorOfServerVersion(version)).toThrow(expect.objectContaining({ code: 'postgres-unsupported' }));
});
