import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { errorCodes } from '../src/base/errorCodes.ts';
import { missingEntries, readLock } from './completeLock.ts';
import { findDuplicates } from './duplicates.ts';
import { importsOf, layerViolation } from './imports.ts';
import { layers } from './layers.ts';
import { isLinted, isTestFile, listProjectFiles, projectRoot } from './projectFiles.ts';
import { longFiles, untestedErrorCodes } from './tidyExceptions.ts';

const files = listProjectFiles();
const sources = files.filter(isLinted).map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
const product = sources.filter(({ path }) => path.startsWith('src/') && !isTestFile(path));

/** Places where a pattern occurs, as `path:line`. */
function occurrences(pattern: RegExp, among = sources): string[] {
  return among.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

test('the layers of tools/layers.ts hold, for type imports and lazy imports too', () => {
  const scanned = sources.filter(({ path }) => path.startsWith('src/'));
  const listed = files.filter((path) => /^src\/.*\.ts$/.test(path) && !path.includes('/generated/'));
  expect(scanned.length).toBe(listed.length);
  const violations = scanned.flatMap(({ path, text }) =>
    importsOf(path, text).flatMap((target) => layerViolation(path, target) ?? []),
  );
  expect(violations).toEqual([]);
});

test('every folder of src/ is in the layer table, and a layer only names folders above it', () => {
  const folders = new Set(files.flatMap((path) => /^src\/([^/]+)\/.*\.ts$/.exec(path)?.[1] ?? []));
  expect([...folders].filter((folder) => !(folder in layers))).toEqual([]);
  const order = Object.keys(layers);
  const upward = order.filter((folder, index) => layers[folder]?.some((other) => order.indexOf(other) >= index));
  expect(upward).toEqual([]);
});

test('the layer check finds what it is there to find', () => {
  const text = `import type { Lsn } from '../postgres/lsn.ts';\nconst x = await import('../repository/pack/a.ts');`;
  const violations = importsOf('src/snapshot/a.ts', text).map((target) => layerViolation('src/snapshot/a.ts', target));
  expect(violations).toEqual([
    'src/snapshot/a.ts imports src/postgres/lsn.ts, which tools/layers.ts does not allow',
    'src/snapshot/a.ts imports src/repository/pack/a.ts, which is private to src/repository',
  ]);
  expect(layerViolation('src/snapshot/a.ts', 'src/repository/blob.ts')).toBeUndefined();
  expect(layerViolation('src/cli/a.ts', 'src/testing/tempDir.ts')).toMatch('does not allow');
  expect(layerViolation('src/cli/a.test.ts', 'src/testing/tempDir.ts')).toBeUndefined();
});

test('no file is longer than 400 lines, no line longer than 120 characters', () => {
  const longNow = sources.filter(({ text }) => text.split('\n').length > 401).map(({ path }) => path);
  expect(longNow).toEqual(Object.keys(longFiles));
  const tooLong = /^(?!.*(['"`]).{60,}\1).{121}/; // a long string stays whole, so that it can be searched for
  expect(occurrences(tooLong)).toEqual([]);
});

test('no enum, namespace, parameter property, default export, barrel file or debugging output', () => {
  expect(occurrences(/^\s*(export )?(declare )?(const )?(enum|namespace) \w+/)).toEqual([]);
  expect(occurrences(/\bconstructor\((.*,\s*)?(private|public|protected|readonly) /)).toEqual([]);
  const configurations = /\.config\.ts:\d+$|^tools\/knipFileCount\.ts:/;
  expect(occurrences(/^export default /).filter((place) => !configurations.test(place))).toEqual([]);
  expect(occurrences(/^export \* from |^export \{.*\} from /)).toEqual([]);
  const below = product.filter(({ path }) => !path.startsWith('src/cli/') && path !== 'src/main.ts');
  expect(occurrences(/\bconsole\.\w+\(/, below)).toEqual([]);
});

test('nothing is left to do, no test is focused, no path of a developer is named', () => {
  expect(occurrences(/\b(TO|FIX|XX)(DO|ME|X)\b/)).toEqual([]);
  expect(occurrences(/\b(test|it|describe)\.only\(/)).toEqual([]);
  const texts = files.filter(
    (path) => /\.(ts|md|json|ya?ml|sh|html|css)$|^\.ci\//.test(path) && path !== 'package-lock.json',
  );
  const documents = texts.map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
  expect(occurrences(/(?<![\w.])\/(work|Users)\/\w/, documents)).toEqual([]);
});

test('no file is named after nothing in particular, and none is compiled beside its source', () => {
  expect(files.filter((path) => path.endsWith('.js') && !path.startsWith('examples/'))).toEqual([]);
  const vague = /(manager|helpers?|utils?|service|misc|common)\.ts$/i;
  expect(files.filter((path) => vague.test(basename(path)))).toEqual([]);
});

test('no ten lines of the product occur twice', () => {
  expect(findDuplicates(product)).toEqual([]);
});

test('ten equal lines are found, nine are not', () => {
  const lines = Array.from({ length: 10 }, (_, index) => `call${index}();`);
  const twice = (count: number) => ['a', 'b'].map((path) => ({ path, text: lines.slice(0, count).join('\n\n') }));
  expect(findDuplicates(twice(10))).toEqual(['a:1 and b:1']);
  expect(findDuplicates(twice(9))).toEqual([]);
});

test('every error code is produced by a test, except those that the list still excuses', () => {
  const tests = sources.filter(({ path }) => path.endsWith('.test.ts') && /^(src|e2e)\//.test(path));
  const untested = Object.keys(errorCodes).filter((code) => !tests.some(({ text }) => text.includes(`'${code}'`)));
  expect(untested).toEqual(untestedErrorCodes);
});

test('every direct dependency is explained in docs/dependencies.md', () => {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const document = readFileSync(join(projectRoot, 'docs/dependencies.md'), 'utf8');
  const named = [...document.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  const direct = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
  expect(direct.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => name === undefined || !direct.includes(name))).toEqual([]);
});

test('the lock file is complete, or npm ci refuses it; `node tools/completeLock.ts` adds what npm leaves out', () => {
  expect(Object.keys(missingEntries(readLock()))).toEqual([]);
});
