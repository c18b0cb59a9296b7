import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { copyCommand } from './copyCommand.ts';
import { compareWithLog, noDifferences, presentRows, startCommitLoad } from './commitLoad.ts';
import type { CommitMark } from './commitLog.ts';
import { postgresMajors } from './postgresBinaries.ts';
import { type Cluster, type Settings, createCluster, existingCluster, giveToServer } from './postgresServer.ts';
import { makeStandby } from './standby.ts';
import { tempDir } from './tempDir.ts';
import { waitFor } from './waitFor.ts';

test('recovery to each kind of target gives exactly the rows of the mark', async () => {
  await using archive = await tempDir({ owner: 'server' });
  await using cluster = await createCluster({
    settings: { archive_mode: 'on', archive_command: copyCommand(archive.path), wal_level: 'replica' },
  });
  await using backup = await tempDir({ owner: 'server' });
  await using load = await startCommitLoad(cluster);
  await load.advance(50);
  await cluster.stop(); // ends the load; a cold copy is the simplest right backup
  execFileSync('cp', ['-a', cluster.dataDirectory, backup.join('data')]);
  await cluster.start();

  await using second = await startCommitLoad(cluster, { log: load.log });
  await second.advance(100);
  const mark = await second.mark('here');
  await second.advance(100);
  await second.stop();
  await cluster.sql('select pg_switch_wal()');
  await cluster.stop();

  const from = { backup: backup.join('data'), archive: archive.path };
  expect(mark.expected.must.size).toBeGreaterThanOrEqual(150);
  for (const target of targetsOf(mark)) {
    await using recovered = await recover(from, target.settings);
    expect(await compareWithLog(recovered, { ...mark.expected, must: target.must })).toEqual(noDifferences);
  }
  await using tooFar = await recover(from, { recovery_target_xid: String(mark.xid), recovery_target_inclusive: false });
  expect(await compareWithLog(tooFar, mark.expected)).toEqual({ ...noDifferences, missing: [mark.xidSequence] });
});

test('what a comparison finds: a lost row, a row too many, a changed byte, half a transaction', async () => {
  await using cluster = await createCluster();
  await using load = await startCommitLoad(cluster, { clients: 2 });
  await load.advance(20);
  await load.stop();
  await cluster.sql(`
    delete from commit_load where sequence = 3;
    insert into commit_load values (100000, 0, 'x');
    update commit_load set payload = overlay(payload placing '!' from 7) where sequence = 5`);
  const found = await compareWithLog(cluster, load.log.expectedNow());
  expect(found).toMatchObject({ missing: [3], unexpected: [100000], changed: expect.arrayContaining([5, 100000]) });
  expect(found.torn).toContain(0);
});

test.each(postgresMajors)(
  'PostgreSQL %i: a synchronous standby loses nothing when its primary is killed',
  async (major) => {
    await using primary = await createCluster({ major, tablespaces: ['apart'] });
    await using standby = await makeStandby(primary, { name: 'witness' });
    await primary.configure({ synchronous_standby_names: 'witness' });
    await primary.sql('select pg_reload_conf()');
    await waitFor(
      async () => (await primary.sql(`select from pg_stat_replication where sync_state = 'sync'`)).length === 1,
      {
        what: 'synchronous replication',
      },
    );
    await using load = await startCommitLoad(primary, { rowBytes: 50 });
    await load.advance(50);
    await primary.kill9();
    const killedAtMs = Date.now();
    await load.stop();
    await standby.promote();
    expect(await compareWithLog(standby, load.log.expectedNow(), 50)).toEqual(noDifferences);
    expect(load.log.lossMs(await presentRows(standby), killedAtMs)).toBe(0);
    await using after = await startCommitLoad(standby, { rowBytes: 50, log: load.log });
    await after.advance(10);
  },
);

interface Target {
  readonly settings: Settings;
  readonly must: ReadonlySet<number>;
}

function targetsOf(mark: CommitMark): Target[] {
  const { must } = mark.expected;
  return [
    { settings: { recovery_target_time: serverTime(mark.time) }, must },
    {
      settings: { recovery_target_lsn: `${(mark.lsn >> 32n).toString(16)}/${(mark.lsn & 0xffffffffn).toString(16)}` },
      must,
    },
    { settings: { recovery_target_xid: String(mark.xid) }, must },
    { settings: { recovery_target_name: mark.name }, must },
  ];
}

/** On the command line PostgreSQL does not know the abbreviation `Z` yet. */
function serverTime(time: Date): string {
  return time.toISOString().replace('Z', '+00');
}

async function recover(from: { backup: string; archive: string }, target: Settings): Promise<Cluster> {
  const copy = await tempDir({ owner: 'server' });
  execFileSync('cp', ['-a', from.backup, copy.join('data')]);
  writeFileSync(copy.join('data', 'recovery.signal'), '');
  await giveToServer(copy.join('data', 'recovery.signal'));
  const settings = { restore_command: `cp ${from.archive}/%f %p`, recovery_target_action: 'promote', ...target };
  const cluster = await existingCluster({
    dataDirectory: copy.join('data'),
    settings: { ...settings, archive_mode: 'off' },
  });
  try {
    await cluster.start({ until: 'recovered' });
  } catch (error) {
    await copy[Symbol.asyncDispose]();
    throw error;
  }
  expect(existsSync(copy.join('data', 'recovery.signal'))).toBe(false);
  const disposeServer = cluster[Symbol.asyncDispose].bind(cluster);
  return Object.assign(cluster, {
    [Symbol.asyncDispose]: async () => {
      await disposeServer();
      await copy[Symbol.asyncDispose]();
    },
  });
}
