import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../src/base/context.ts';
import type { Repository } from '../src/repository/repository.ts';
import { archiveSegments, backUpCluster, backUpSource } from '../src/retention/fixture/sources.ts';
import { SimulatedClock } from '../src/testing/simulatedClock.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, repositoryEnvironment } from './fixture/repository.ts';

const dayMs = 86_400_000;

let directory: TempDir;
let repository: Repository;
const ids: string[] = [];

/** Four base backups a day apart, the last one three days ago, with WAL, and two of logs. */
beforeAll(async () => {
  directory = await tempDir();
  repository = await makeRepository(directory.join('repository'));
  const clock = new SimulatedClock(new Date(Date.now() - 7 * dayMs).toISOString());
  const ctx = createContext({ clock });
  await archiveSegments(ctx, repository, { from: 1n, to: 5n });
  for (const segment of [2n, 3n, 4n, 5n]) {
    const tags = segment === 3n ? ['critical'] : [];
    ids.push((await backUpCluster(ctx, repository, { segment, tags, record: { sizeBytes: 1000 } })).id);
    clock.advance(dayMs);
  }
  for (let day = 0; day < 2; day++) {
    await backUpSource(ctx, repository, { source: 'logs', kind: 'logs' });
    clock.advance(dayMs);
  }
  await archiveSegments(ctx, repository, { from: 6n, to: 6n });
  writeFileSync(
    directory.join('understudy.yaml'),
    [
      'sources:',
      '  main: { kind: postgres }',
      '  other: { kind: postgres, retention: { keepDaily: 2, keepTags: [a], recoveryWindow: 2d } }',
      'retention: { keepDaily: 2, keepWeekly: 3, recoveryWindow: 30d }',
    ].join('\n'),
  );
});
afterAll(() => directory[Symbol.asyncDispose]());

function run(...words: readonly string[]): Promise<Outcome> {
  const environment = { ...repositoryEnvironment(directory.join('repository')), HOME: directory.path };
  return runProgram(words, { cwd: directory.path, environment });
}

test('a dry run tells why each snapshot is kept, what fills each slot, and which WAL would go', async () => {
  const told = await run('forget', '--dry-run', '--prune', '--recovery-window', '1d');
  expect(told).toMatchObject({ status: 0 });
  expect(told.stdout).toContain('snapshots of source main (postgres)');
  expect(told.stdout).toContain('snapshots of source logs (logs)');
  expect(told.stdout).toMatch(new RegExp(`${ids[3]!.slice(0, 8)}.* last good backup of the source`));
  expect(told.stdout).toMatch(new RegExp(`daily 1 +\\S+ +${ids[3]!.slice(0, 8)}`));
  expect(told.stdout).toMatch(/daily +\S+ +MISSING/);
  expect(told.stdout).toMatch(/weekly \S+ +still open, of 3/);
  expect(told.stdout).toContain('a `restic forget` needs --keep-tag critical');
  expect(told.stdout).toMatch(
    /WAL of main: 4 files would be removed \(.*: 000000010000000000000001 to 000000010000000000000004\), .* kept/,
  );
  const lines = jsonLines((await run('forget', '--dry-run', '--prune', '--json')).stdout);
  const kinds = new Set(lines.map((line) => line['message_type']).filter((type) => type !== 'status'));
  expect(kinds).toEqual(new Set(['forget_decision', 'forget_slots', 'forget_summary', 'prune_summary', 'wal_expiry']));
  expect(lines.find((line) => line['message_type'] === 'wal_expiry')).toMatchObject({
    dry_run: true,
    files_removed: 1,
    ranges: [{ timeline: 1, segments: 1 }],
    sources: ['main'],
  });
  expect(await repository.listIds(createContext(), 'snapshots')).toHaveLength(6);
});

test('a sharp shrink ends forget and prune with status 3 until it is acknowledged', async () => {
  const ctx = createContext();
  await backUpCluster(ctx, repository, { segment: 6n, record: { sizeBytes: 10 } });
  const held = await run('forget', '--prune', '--keep-last', '1');
  expect(held).toMatchObject({ status: 3, stderr: expect.stringContaining('understudy retention acknowledge main') });
  expect(held.stdout).toMatch(/nothing of main is removed: backup \w{8} has 10 bytes, where 1000 are usual/);
  expect(held.stdout).toContain('WAL of main: all is kept, retention is held');
  const pruned = await run('prune', '--json');
  expect(pruned.status).toBe(3);
  expect(jsonLines(pruned.stdout).at(-1)).toMatchObject({ message_type: 'retention_held', source: 'main' });
  expect(JSON.parse(pruned.stderr)).toMatchObject({ code: 'retention-held' });
  const acknowledged = await run('retention', 'acknowledge', 'main');
  expect(acknowledged).toMatchObject({ status: 0, stdout: expect.stringMatching(/^retention of main goes on/) });
  expect(await run('forget', '--prune', '--keep-last', '1')).toMatchObject({ status: 0 });
  const left = await repository.listIds(ctx, 'snapshots');
  expect(left).toHaveLength(3);
  expect(left).toContain(ids[1]); // critical
  expect(await run('retention', 'acknowledge', 'nobody')).toMatchObject({ status: 1 });
});

test('a simulation tells how far back one can go', async () => {
  const rules = ['--keep-daily', '30', '--keep-weekly', '12', '--keep-monthly', '12', '--keep-yearly', '7'];
  const told = await run('retention', 'simulate', '--years', '7', ...rules);
  expect(told).toMatchObject({ status: 0, stdout: expect.stringMatching(/^2,55\d backups, 5\d snapshots at the end/) });
  expect(told.stdout).toMatch(/^5 years +36\dd 0h$/m);
  const [json] = jsonLines((await run('retention', 'simulate', '--years', '1', '--source', 'other', '--json')).stdout);
  expect(json).toMatchObject({ message_type: 'retention_simulation', backups: 365, most_snapshots: 3 });
  expect((await run('retention', 'simulate', '--source', 'unknown')).status).toBe(1);
  expect((await run('retention', 'simulate', '--every', '1s')).status).toBe(2);
});
