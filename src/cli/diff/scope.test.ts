import { expect, test } from 'vitest';
import { chunkChecksumsName } from '../../backup/chunkChecksums.ts';
import {
  madeDirectory,
  recordFileName,
  saveSmallFile,
  saveSourceSnapshot,
  type SourceKind,
} from '../../backup/sourceSnapshot.ts';
import { createContext } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { Upload } from '../../repository/upload.ts';
import { diffTrees } from '../../snapshot/diff.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { newRepository } from '../../testing/repositories.ts';
import { diffScope } from './scope.ts';

const ctx = createContext();
const time = new Date('2026-11-22T10:00:00Z');

async function snapshotOf(
  repository: Repository,
  { kind, source, files }: { kind: SourceKind; source: string; files: Readonly<Record<string, string>> },
): Promise<Snapshot> {
  await using upload = await Upload.begin(ctx, repository, { threads: 0, expectedChunks: 100 });
  const attributes = madeDirectory(source, time);
  const entries = await Promise.all(
    Object.entries(files).map(([name, text]) => saveSmallFile(upload, attributes, { name, bytes: Buffer.from(text) })),
  );
  const saved = await saveSourceSnapshot(
    ctx,
    { repository, upload },
    { kind, source, time, attributes, entries, options: { parent: undefined } },
  );
  return saved.snapshot;
}

async function changedPaths(repository: Repository, before: Snapshot, after: Snapshot): Promise<string[]> {
  const scope = await diffScope(ctx, repository, [before, after]);
  const paths: string[] = [];
  await diffTrees(ctx, treeLoader(repository), {
    ...scope,
    onDifference: ({ path }) => void (scope.isContent(path.toString()) && paths.push(path.toString())),
  });
  return paths;
}

test('two clusters are compared without our own records, whatever their names; other kinds as a whole', async () => {
  const repository = await newRepository();
  const records = (text: string) => ({ [recordFileName]: text, [chunkChecksumsName]: text });
  const main = await snapshotOf(repository, { kind: 'postgres', source: 'main', files: { ...records('1'), a: 'x' } });
  const other = await snapshotOf(repository, { kind: 'postgres', source: 'other', files: { ...records('2'), a: 'y' } });
  const dump = await snapshotOf(repository, { kind: 'dump', source: 'other', files: { ...records('2'), a: 'y' } });
  expect(await changedPaths(repository, main, other)).toEqual(['a']);
  const names = ['a', chunkChecksumsName, recordFileName];
  const whole = ['main', ...names.map((name) => `main/${name}`), 'other', ...names.map((name) => `other/${name}`)];
  expect(await changedPaths(repository, main, dump)).toEqual(whole);
});
