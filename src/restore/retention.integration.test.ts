import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { RecoveryTarget } from '../postgres/recoverySettings.ts';
import { forget } from '../retention/forget.ts';
import { prune } from '../retention/prune.ts';
import { compareWithLog, noDifferences, startCommitLoad } from '../testing/commitLoad.ts';
import type { CommitMark } from '../testing/commitLog.ts';
import { RecoveryBench, startRecovered } from './fixture/recoveryBench.ts';
import type { PlanRecoveryOptions } from './planRecovery.ts';
import { formatUtcMicroseconds } from './zonedTime.ts';

const major = 15;
const ctx = createContext();

function timeOf({ time }: CommitMark): RecoveryTarget {
  return { kind: 'time', time: formatUtcMicroseconds(BigInt(time.getTime()) * 1000n) };
}

async function rowsAfter(bench: RecoveryBench, options: Partial<PlanRecoveryOptions>): Promise<number> {
  await using recovered = await startRecovered(await bench.restore(options), major);
  const [row] = await recovered.sql<{ rows: number }>('select count(*)::int as rows from commit_load');
  return row?.rows ?? 0;
}

async function recoversTo(bench: RecoveryBench, mark: CommitMark): Promise<void> {
  await using recovered = await startRecovered(await bench.restore({ target: timeOf(mark) }), major);
  expect(await compareWithLog(recovered, mark.expected)).toEqual(noDifferences);
}

/** Removes the plain copies that restore_command reads of what is no longer in the repository. */
async function forgetCopies(bench: RecoveryBench, systemIdentifier: string): Promise<number> {
  const kept = new Set(await readdir(join(bench.repositoryPath, 'wal', systemIdentifier, '00000001')));
  const gone = (await readdir(bench.archive)).filter((name) => /^[0-9A-F]{24}$/.test(name) && !kept.has(name));
  for (const name of gone) await rm(join(bench.archive, name));
  return gone.length;
}

test('after forgetting and expiry each backup that stays recovers to its end, and into the window, no further', async () => {
  await using bench = await RecoveryBench.open();
  await using cluster = await bench.createCluster({ major });
  await using load = await startCommitLoad(cluster);
  await load.advance(10);
  const marks: CommitMark[] = [];
  const backups: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    backups.push((await bench.backup(cluster)).snapshot.id);
    await load.advance(10);
    marks.push(await load.mark(name));
    await load.advance(10);
    await bench.archiveAll(cluster);
  }
  await load.stop();
  await bench.archiveAll(cluster);
  const [first, second, third] = marks as [CommitMark, CommitMark, CommitMark];
  const { repository } = bench;

  const selection = { named: [backups[0]!] };
  const keepAll = { repack: {}, wal: { windowMs: undefined } };
  const { pruned } = await forget(ctx, repository, { selection, prune: keepAll });
  const [expired] = pruned?.wal ?? [];
  expect(expired?.plan?.remove.length).toBeGreaterThan(0);
  expect(await forgetCopies(bench, String(expired?.systemIdentifier))).toBeGreaterThan(0);
  await recoversTo(bench, second);
  await recoversTo(bench, third);
  await expect(bench.plan({ target: timeOf(first) })).rejects.toMatchObject({
    code: 'target-outside-window',
    hint: expect.stringMatching(/^one can recover to 20.* to 20.* on timeline 1/),
  });

  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal[0]?.plan?.remove.length).toBeGreaterThan(0);
  await forgetCopies(bench, String(expired?.systemIdentifier));
  await recoversTo(bench, third);
  await expect(bench.plan({ target: timeOf(second) })).rejects.toMatchObject({
    code: 'wal-gap',
    hint: expect.stringMatching(/one can recover to 20.* to 20.* on timeline 1/),
  });
  for (const [index, snapshot] of backups.entries()) {
    if (index === 0) continue;
    const target: RecoveryTarget = { kind: 'immediate' };
    const before = marks[index - 1]!.expected.must.size;
    expect(await rowsAfter(bench, { snapshot, target })).toBeGreaterThanOrEqual(before);
  }
}, 120_000);
