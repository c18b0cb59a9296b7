import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLsn, toLsn } from '../postgres/lsn.ts';
import { startCommitLoad } from '../testing/commitLoad.ts';
import type { CommitMark } from '../testing/commitLog.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { incompleteMarker } from './destination.ts';
import { RecoveryBench } from './fixture/recoveryBench.ts';
import { findRecoveryWindows, loadClusters } from './recoveryWindow.ts';
import { loadBaseBackups } from './baseBackup.ts';
import { createContext } from '../base/context.ts';

let bench: RecoveryBench;
let cluster: Cluster;
let mark: CommitMark;
/** Begins behind the first backup and its segment. */
let lost: string;

beforeAll(async () => {
  bench = await RecoveryBench.open();
  cluster = await bench.createCluster();
  const load = await startCommitLoad(cluster);
  await load.advance(20);
  await bench.backup(cluster);
  await bench.archiveAll(cluster);
  await load.advance(20);
  lost = (await cluster.sql<{ name: string }>('select pg_walfile_name(pg_current_wal_lsn()) as name'))[0]!.name;
  await bench.archiveAll(cluster, (name) => name === lost);
  mark = await load.mark('behind the gap');
  await load.advance(20);
  await load.stop();
  await bench.archiveAll(cluster, (name) => name === lost);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

/** What is refused must have changed nothing. */
async function refused(plan: Promise<unknown>, code: string, words: string | RegExp = ''): Promise<void> {
  await expect(plan).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
}

describe('targets', () => {
  test('behind a gap: wal-gap, naming what is missing and how far one gets', async () => {
    const plans = [
      () => bench.plan(),
      () => bench.plan({ target: { kind: 'lsn', lsn: toLsn(mark.lsn) } }),
      () => bench.plan({ target: { kind: 'xid', xid: mark.xid } }),
      () => bench.plan({ target: { kind: 'name', name: mark.name } }),
      () => bench.plan({ target: { kind: 'time', time: mark.time.toISOString() } }),
    ];
    for (const plan of plans) await refused(plan(), 'wal-gap', lost);
    const error = await bench.plan().catch((thrown: { hint: string }) => thrown);
    const [, farthest] = /--lsn (\S+);/.exec('hint' in error ? error.hint : '') ?? [];
    const target = { kind: 'lsn', lsn: parseLsn(farthest ?? '') } as const;
    expect((await bench.plan({ target })).landing.lsn).toBeGreaterThan(target.lsn);
  });

  test('outside the window: the windows are named', async () => {
    const plans = [
      () => bench.plan({ target: { kind: 'time', time: '2001-01-01 00:00:00+00' } }),
      () => bench.plan({ target: { kind: 'lsn', lsn: toLsn(8n) } }),
      () => bench.plan({ timeline: 7 as never }),
    ];
    for (const plan of plans) {
      await expect(plan()).rejects.toMatchObject({
        code: 'target-outside-window',
        hint: expect.stringMatching(new RegExp(`to 20.* on timeline 1, then ${lost} is missing`)),
      });
    }
  });

  test('before the gap and at the end of the backup one can recover', async () => {
    const [window] = await windows();
    expect(window!.gap).toMatchObject({ first: lost, last: lost, segments: 1n });
    const plan = await bench.plan({ target: { kind: 'lsn', lsn: toLsn(window!.begin.lsn + 1n) } });
    expect(plan.wal.segments).toBeGreaterThan(0);
    expect((await bench.plan({ target: { kind: 'immediate' } })).landing.lsn).toBe(window!.begin.lsn);
  });

  test('that make no sense: target-invalid', async () => {
    await refused(bench.plan({ inclusive: false }), 'target-invalid');
    await refused(bench.plan({ standby: {}, target: { kind: 'immediate' } }), 'target-invalid');
  });

  test('of backups that are not there: not-found', async () => {
    await refused(bench.plan({ source: 'other' }), 'not-found', 'of source other');
    await refused(bench.plan({ snapshot: 'ffffffff' }), 'not-found');
  });
});

describe('destinations', () => {
  test('with files in them, and with files that are no data directory', async () => {
    const destination = bench.nextDestination();
    await mkdir(destination);
    await writeFile(join(destination, 'thesis.txt'), 'three years');
    await refused(end({ destination }), 'destination-not-empty', 'it is not empty');
    for (const existing of ['delta', 'overwrite'] as const) {
      await refused(end({ destination, existing }), 'destination-not-empty', 'no data directory');
    }
    expect(await readdir(destination)).toEqual(['thesis.txt']);
  });

  test('in which a server runs, whatever is said', async () => {
    for (const existing of ['refuse', 'delta', 'overwrite'] as const) {
      await refused(end({ destination: cluster.dataDirectory, existing }), 'cluster-running', String(cluster.pid));
    }
  });

  test('that hold another cluster, for a delta', async () => {
    await using other = await createCluster({ start: false });
    const destination = bench.nextDestination();
    await cp(other.dataDirectory, destination, { recursive: true });
    await refused(end({ destination, existing: 'delta' }), 'cluster-mismatch');
    await end({ destination, existing: 'overwrite' });
  });

  test('that are a file', async () => {
    const destination = bench.nextDestination();
    await writeFile(destination, '');
    await refused(end({ destination }), 'destination-io', 'not a directory');
  });

  test('that an interrupted restore left: the hint says how to go on', async () => {
    const destination = bench.nextDestination();
    await mkdir(destination);
    await writeFile(join(destination, incompleteMarker), '{}');
    await expect(end({ destination })).rejects.toMatchObject({ hint: expect.stringContaining('--delta finishes it') });
    await end({ destination, existing: 'delta' });
  });
});

test('a damaged backup is told before anything is written', async () => {
  const packs = join(bench.repositoryPath, 'index');
  const names = await readdir(packs);
  const saved = await Promise.all(names.map(async (name) => [name, await readFile(join(packs, name))] as const));
  for (const name of names) await rm(join(packs, name));
  await refused(end(), 'repository-damaged');
  for (const [name, content] of saved) await writeFile(join(packs, name), content);
});

test('WAL that is there and damaged is found when it is asked for', async () => {
  const [window] = await windows();
  const target = { kind: 'lsn', lsn: toLsn(window!.end.lsn - 8n) } as const;
  const { wal } = await bench.plan({
    snapshot: window!.backups[0].snapshot.id,
    target: { ...target, lsn: toLsn(window!.begin.lsn + 1n) },
  });
  const path = join(bench.repositoryPath, 'wal', String(window!.systemIdentifier), '00000001', wal.first!);
  const content = await readFile(path);
  const flipped = Buffer.from(content);
  flipped[content.length >> 1]! ^= 0x10;
  await rm(path);
  await writeFile(path, flipped);
  await refused(
    bench.plan({ verifyWal: true, target: { kind: 'lsn', lsn: toLsn(window!.begin.lsn + 1n) } }),
    'repository-damaged',
    wal.first,
  );
  await rm(path);
  await writeFile(path, content);
});

/** A plan for the end of the backup, which no gap hinders. */
function end(options: Parameters<RecoveryBench['plan']>[0] = {}) {
  return bench.plan({ target: { kind: 'immediate' }, ...options });
}

async function windows() {
  const ctx = createContext();
  bench.repository.forgetIndex();
  const [only] = await loadClusters(ctx, bench.repository, await loadBaseBackups(ctx, bench.repository, 'main'));
  return findRecoveryWindows(ctx, only!);
}
