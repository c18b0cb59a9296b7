import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { openReplicationConnection } from './replicationConnection.ts';
import { openSqlConnection } from './sqlConnection.ts';
import { toTimelineId } from './timeline.ts';

const ctx = createContext();

test.each(postgresMajors)('PostgreSQL %i: identity, settings, slots, history over a Unix socket', async (major) => {
  await using cluster = await createCluster({ major, settings: { max_replication_slots: 2 } });
  await using sql = await openSqlConnection(ctx, cluster.connection);
  await using connection = await openReplicationConnection(ctx, cluster.connection);
  expect(connection.major).toBe(major);

  const expected = await sql.queryOne(
    'SELECT system_identifier AS id, pg_current_wal_flush_lsn() AS lsn FROM pg_control_system()',
  );
  const identity = await connection.identifySystem();
  expect(identity.systemIdentifier).toBe(BigInt.asUintN(64, expected['id'] as bigint));
  expect(identity.timeline).toBe(1);
  expect(identity.flushedLsn).toBeGreaterThanOrEqual(expected['lsn'] as bigint);
  expect(await connection.show('wal_segment_size')).toBe('16MB');

  await connection.createPhysicalSlot('keeps_wal');
  await connection.createPhysicalSlot('passing', { temporary: true, reserveWal: false });
  const slots = await sql.query(
    'SELECT slot_name, temporary, restart_lsn AS lsn FROM pg_replication_slots ORDER BY slot_name',
  );
  expect(slots).toEqual([
    { slot_name: 'keeps_wal', temporary: false, lsn: expect.any(BigInt) },
    { slot_name: 'passing', temporary: true, lsn: null },
  ]);
  await expect(connection.createPhysicalSlot('third')).rejects.toMatchObject({ code: 'postgres-settings' });
  expect(await sql.query('SELECT slot_name FROM pg_replication_slots')).toEqual([{ slot_name: 'keeps_wal' }]);
  await expect(connection.createPhysicalSlot('keeps_wal')).rejects.toMatchObject({ code: 'wal-slot' });
  if (major >= 15) {
    const slot = await connection.readReplicationSlot('keeps_wal');
    expect(slot).toEqual({ restartLsn: slots[0]?.['lsn'], restartTimeline: 1 });
    expect(await connection.readReplicationSlot('nobody')).toBeUndefined();
  } else {
    await expect(connection.readReplicationSlot('keeps_wal')).rejects.toMatchObject({ code: 'postgres-unsupported' });
  }
  await connection.dropSlot('keeps_wal');
  await expect(connection.dropSlot('keeps_wal')).rejects.toMatchObject({ code: 'wal-slot' });
  await expect(connection.show('no_such_setting')).rejects.toMatchObject({ code: 'postgres-protocol' });
  await expect(connection.timelineHistory(toTimelineId(1))).rejects.toMatchObject({ code: 'not-found' });
  expect((await connection.identifySystem()).timeline).toBe(1);
});

test('ending the backend, and aborting, end the commands with the reason', async () => {
  await using cluster = await createCluster();
  await using connection = await openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'victim' });
  await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'");
  await expect(connection.identifySystem()).rejects.toMatchObject({ code: 'postgres-unreachable' });

  const controller = new AbortController();
  await using aborted = await openReplicationConnection({ ...ctx, signal: controller.signal }, cluster.connection);
  controller.abort(new Error('no longer wanted'));
  await expect(aborted.identifySystem()).rejects.toThrow('no longer wanted');
  const late = openReplicationConnection({ ...ctx, signal: controller.signal }, cluster.connection);
  await expect(late).rejects.toThrow('no longer wanted');
});
