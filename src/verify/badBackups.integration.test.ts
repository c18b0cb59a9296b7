import { execFile } from 'node:child_process';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ProofBench } from '../testing/proofBench.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { findBaseBackup } from '../restore/baseBackup.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { failed, makeTable, proveWith } from './fixture/prove.ts';
import { tamper } from './fixture/tamper.ts';
import { Sandbox } from './sandbox/sandbox.ts';
import { materialise } from './sandbox/materialise.ts';

const run = promisify(execFile);

/** Paths of the packs, largest first. */
async function packs(bench: ProofBench): Promise<string[]> {
  const { stdout } = await run('find', [join(bench.repositoryPath, 'data'), '-type', 'f', '-printf', '%s %p\n']);
  const lines = stdout
    .trim()
    .split('\n')
    .toSorted((a, b) => Number.parseInt(b) - Number.parseInt(a));
  return lines.map((line) => line.slice(line.indexOf(' ') + 1));
}

function objectOf(bench: ProofBench, path: string): string {
  return path.slice(bench.repositoryPath.length + 1);
}

/** Changes one byte in the middle of a file that is not writable. */
async function flip(path: string): Promise<void> {
  await run('chmod', ['u+w', path]);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

test('a flipped byte in a pack is found by level 2, which names the object, and never restored', async () => {
  await using cluster = await createCluster();
  await makeTable(cluster);
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const [pack] = await packs(bench);
  await flip(pack!);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof)).toEqual([expect.objectContaining({ name: 'data', level: 2 })]);
  expect(failed(proof)[0]!.detail[0]).toContain(objectOf(bench, pack!));
  expect(proof.notReached).toContain('recovery');

  // what level 4 does with it when nobody has looked before
  const ctx = createContext();
  const repository = await bench.openRepository();
  const backup = await findBaseBackup(ctx, repository, { text: 'latest' });
  await using sandbox = await Sandbox.open(ctx, { major: 15, scratch: bench.directory.path });
  const { directory, user } = sandbox;
  const restoring = materialise(ctx, repository, { backup, directory, user, progress: silentProgress });
  await expect(restoring).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(existsSync(join(sandbox.dataDirectory, 'global/pg_control'))).toBe(false);
});

test('a truncated pack is found by level 1', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const [pack] = await packs(bench);
  await run('chmod', ['u+w', pack!]);
  truncateSync(pack!, readFileSync(pack!).length - 1000);
  const { proof } = await proveWith(bench, { level: 1 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof)[0]!.detail[0]).toContain(objectOf(bench, pack!));
});

test('a record that says something else than the backup holds is found', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  const { record } = await bench.backup(cluster);
  const edits: readonly (readonly [string, Partial<typeof record>])[] = [
    ['system identifier', { systemIdentifier: '7000000000000000001' }],
    ['start of the backup', { startLsn: '0/1000028' }],
    ['to FF/0', { stopLsn: 'FF/0' }],
    ['data checksums', { dataChecksums: false }],
    ['database other', { databases: [{ ...record.databases[0]!, oid: 99_999, name: 'other' }] }],
    ['pg_wal/000000010000000000000099', { wal: ['000000010000000000000099'] }],
  ];
  for (const [said, edit] of edits) {
    await tamper(bench, 'main/understudy.json', () => Buffer.from(JSON.stringify({ ...record, ...edit })));
    const { proof } = await proveWith(bench, { level: 3 });
    expect(proof.verdict).toBe('failed');
    expect(
      failed(proof)
        .flatMap(({ detail }) => detail)
        .join('\n'),
    ).toContain(said);
  }
  await tamper(bench, 'main/understudy.json', () => Buffer.from('{"format":1}'));
  const { proof } = await proveWith(bench, { level: 4 });
  expect(failed(proof)).toEqual([expect.objectContaining({ name: 'contents', level: 1 })]);
});

test('a file that is another than the manifest says, and one that is gone, are found by level 3', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  const { record } = await bench.backup(cluster);
  await tamper(bench, 'main/pgdata/PG_VERSION', () => Buffer.from('16\n'));
  await tamper(bench, 'main/pgdata/postgresql.conf', () => undefined);
  await tamper(bench, `main/pgdata/pg_wal/${record.wal[0]}`, () => undefined);
  const { proof } = await proveWith(bench, { level: 3 });
  const details = failed(proof).map(({ name, detail }) => [name, detail]);
  expect(details).toContainEqual(['manifest', ['PG_VERSION has another checksum', 'postgresql.conf is missing']]);
  expect(details).toContainEqual(['WAL of the backup', [`the backup has no pg_wal/${record.wal[0]}`]]);
});

test('WAL records that were changed are found by level 3', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  const { record } = await bench.backup(cluster);
  await tamper(bench, `main/pgdata/pg_wal/${record.wal[0]}`, (segment) => {
    const start = Number.parseInt(record.startLsn.split('/')[1]!, 16) % segment.length;
    segment[start + 30]! ^= 1;
    return segment;
  });
  const { proof } = await proveWith(bench, { level: 3 });
  expect(failed(proof)).toEqual([expect.objectContaining({ name: 'WAL of the backup' })]);
  expect(failed(proof)[0]!.detail).toEqual([expect.stringMatching(/^the records end at /)]);
});
