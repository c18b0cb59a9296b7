import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import { findNode } from '../snapshot/findPath.ts';
import { walkTree } from '../snapshot/walkTree.ts';
import { backUpFiles as backUp } from '../testing/filesBackups.ts';
import { newRepository } from '../testing/repositories.ts';
import { tempDir } from '../testing/tempDir.ts';
import type { FilesBackupResult } from './filesBackup.ts';
import { parseFilesRecord } from './filesRecord.ts';
import { kindOf, loadRecordFile, sourceOf } from './sourceSnapshot.ts';

const ctx = createContext();
/** Paths of what a snapshot holds of the files below a directory. */
async function listFiles(
  repository: Repository,
  { snapshot }: FilesBackupResult,
  directory: string,
): Promise<string[]> {
  const paths: string[] = [];
  const start = `app/files${directory}/`;
  await walkTree(ctx, treeLoader(repository), snapshot.tree, {
    visit: ({ path }) => void (path.toString().startsWith(start) && paths.push(path.toString().slice(start.length))),
  });
  return paths;
}

function fill(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(`${directory}/${path}`), { recursive: true });
    writeFileSync(`${directory}/${path}`, content);
  }
}

test('an application without what its patterns leave out', async () => {
  await using dir = await tempDir();
  fill(dir.path, {
    'app/package.json': '{}',
    'app/.env': 'SECRET=1',
    'app/.gitignore': '.env\ndist\n',
    'app/dist/main.js': 'x',
    'app/node_modules/left-pad/index.js': 'x',
    'app/src/logs/readme': 'x',
    'app/logs/a.log': 'x',
    'app/.git/HEAD': 'x',
    'app/.cache/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55',
    'app/.cache/big': 'x',
  });
  const repository = await newRepository();
  const result = await backUp(repository, {
    paths: [dir.join('app')],
    exclude: ['node_modules', '/logs', '.git', 'backups', '!.env'],
    excludeFiles: ['.gitignore'],
    tags: ['critical'],
  });
  expect(await listFiles(repository, result, dir.join('app'))).toEqual([
    '.cache',
    '.cache/CACHEDIR.TAG',
    '.env',
    '.gitignore',
    'package.json',
    'src',
    'src/logs',
    'src/logs/readme',
  ]);
  const { snapshot, record } = result;
  expect(snapshot.tags).toEqual(['understudy', 'kind:files', 'source:app', 'critical']);
  expect([kindOf(snapshot), sourceOf(snapshot)]).toEqual(['files', 'app']);
  expect(record).toMatchObject({
    outcome: 'complete',
    base: dir.join('app'),
    excluded: 5,
    files: { total: 5, new: 5 },
  });
  expect(parseFilesRecord(await loadRecordFile(ctx, repository, snapshot))).toEqual(record);
});

test('the next backup reads only what changed, unless it is to read everything again', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'in/a': 'a', 'in/b/c': 'c' });
  const repository = await newRepository();
  const clock = { now: () => new Date(Date.now() + 2000), monotonicMs: () => 0 };
  const options = { paths: [dir.join('in')] };
  const first = await backUp(repository, options, { ...ctx, clock: { ...ctx.clock, ...clock } });
  writeFileSync(dir.join('in/a'), 'changed');
  const second = await backUp(repository, options);
  expect(second.snapshot.parent).toBe(first.snapshot.id);
  expect(second.record).toMatchObject({ parent: first.snapshot.id, files: { total: 2, changed: 1, unmodified: 1 } });
  expect(second.totals.dataBlobs).toBeLessThanOrEqual(2); // the file and the record
  const again = await backUp(repository, { ...options, rehash: true });
  expect(again.record).toMatchObject({ parent: null, files: { unmodified: 0 } });
  const elsewhere = await backUp(repository, { ...options, hostname: 'another' });
  expect(elsewhere.record.parent).toBeNull();
});

test('of a list, a missing file makes the snapshot incomplete, a missing optional one does not', async () => {
  await using dir = await tempDir();
  fill(dir.path, { '.env': 'x', 'supabase/config.toml': 'x' });
  const repository = await newRepository();
  const paths = [dir.join('.env'), dir.join('supabase/config.toml')];
  const optionalPaths = [dir.join('vite.config.ts')];
  const good = await backUp(repository, { paths, optionalPaths });
  expect(good.record).toMatchObject({ outcome: 'complete', base: dir.path, missingOptional: optionalPaths });
  const bad = await backUp(repository, { paths: [...paths, dir.join('package.json')], optionalPaths });
  expect(bad.record).toMatchObject({ outcome: 'incomplete', missing: [dir.join('package.json')] });
  expect(await listFiles(repository, bad, dir.path)).toEqual(['.env', 'supabase', 'supabase/config.toml']);
});

test('when none of the paths is there, there is no snapshot', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  const nothing = backUp(repository, { paths: [dir.join('a')], optionalPaths: [dir.join('b')] });
  await expect(nothing).rejects.toMatchObject({ code: 'file-missing' });
  expect(await repository.listIds(ctx, 'snapshots')).toEqual([]);
});

test('a path that is named and excluded is refused; named again with ! it is kept', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'app/logs/keep': 'x' });
  const repository = await newRepository();
  const paths = [dir.join('app'), dir.join('app/logs/keep')];
  await expect(backUp(repository, { paths, exclude: ['logs'] })).rejects.toMatchObject({ code: 'config-invalid' });
  const kept = await backUp(repository, { paths, exclude: ['/logs/*', '!/logs/keep'] });
  expect(await listFiles(repository, kept, dir.join('app'))).toContain('logs/keep');
});

test('secrets are held with mode 0600, and those that others could read are told', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'app/.env': 'x', 'app/certs/a.pem': 'x', 'app/certs/b.pem': 'x', 'app/public': 'x', '.env': 'x' });
  for (const name of ['app/.env', 'app/public', '.env']) chmodSync(dir.join(name), 0o644);
  chmodSync(dir.join('app/certs/a.pem'), 0o440);
  chmodSync(dir.join('app/certs/b.pem'), 0o400);
  const repository = await newRepository();
  const paths = [dir.join('app'), dir.join('.env')];
  const { snapshot, record } = await backUp(repository, { paths, secrets: ['.env', 'certs/'] });
  const modeOf = async (name: string) =>
    (await findNode(ctx, treeLoader(repository), snapshot.tree, `app/files${dir.join(name)}`)).mode.toString(8);
  expect(await modeOf('.env')).toBe('600');
  expect(await modeOf('app/.env')).toBe('600');
  expect(await modeOf('app/certs/b.pem')).toBe('600');
  expect(await modeOf('app/public')).toBe('644');
  expect(record.secrets.files.count).toBe(4);
  expect(new Map(record.secrets.exposed.first.map(({ path, mode }) => [path, mode]))).toEqual(
    new Map([
      [dir.join('.env'), '0644'],
      [dir.join('app/.env'), '0644'],
      [dir.join('app/certs/a.pem'), '0440'],
    ]),
  );
  expect(statSync(dir.join('app/.env')).mode % 0o1000).toBe(0o644);
});

test('a named link makes the snapshot incomplete, since only the link is backed up, unless what it leads to is too', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'releases/42/main.js': 'x', 'shared/.env': 'x' });
  symlinkSync('releases/42', dir.join('current'));
  symlinkSync('shared/.env', dir.join('.env'));
  symlinkSync('nowhere', dir.join('dangling'));
  const paths = [dir.join('current'), dir.join('.env'), dir.join('dangling')];
  const repository = await newRepository();
  const { record } = await backUp(repository, { paths });
  expect(record).toMatchObject({ outcome: 'incomplete', links: paths.slice(0, 2) });
  const all = await backUp(repository, { paths: [...paths, dir.join('releases'), dir.join('shared')] });
  expect(all.record).toMatchObject({ outcome: 'complete', links: [] });
});

test('a path inside another one is refused when a link leads to it, of which only the link would be backed up', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'app/main.js': 'x', 'data/config/main.toml': 'x' });
  symlinkSync('../data', dir.join('app/current'));
  const backingUp = backUp(await newRepository(), { paths: [dir.join('app'), dir.join('app/current/config')] });
  await expect(backingUp).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(dir.join('app/current')),
  });
});

test('a damaged parent is no obstacle', async () => {
  await using dir = await tempDir();
  fill(dir.path, { 'in/a': 'a' });
  const repository = await newRepository();
  const first = await backUp(repository, { paths: [dir.join('in')] });
  const { snapshot } = await backUp(repository, { paths: [dir.join('in')] });
  expect(snapshot.parent).toBe(first.snapshot.id);
  const without = { ...snapshot, tree: first.snapshot.tree.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };
  const { id: _, ...document } = without;
  const { saveSnapshot } = await import('../snapshot/snapshots.ts');
  const time = { ns: BigInt(Date.now()) * 1_000_000n + 1_000_000_000n, offsetMinutes: 0 };
  const damaged = await saveSnapshot(ctx, (at, json) => repository.saveDocument(at, 'snapshots', json), {
    ...document,
    time,
  });
  rmSync(dir.join('in/a'));
  writeFileSync(dir.join('in/b'), 'b');
  const third = await backUp(repository, { paths: [dir.join('in')] });
  expect(third.snapshot.parent).toBe(damaged.id);
  expect(third.record).toMatchObject({ parent: null, files: { total: 1, new: 1 } });
});
