// needs PostgreSQL's client programs
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controlFileBytes, controlFilePath, parseControlFile, type ControlFile } from './controlFile.ts';
import { embeddedBinaries, embeddedMajors, Scratch, systemBinaries } from './fixture/cluster.ts';
import { RunningServer } from './fixture/server.ts';
import { formatLsn } from './lsn.ts';

const settings = {
  wal_level: 'logical',
  wal_log_hints: 'on',
  track_commit_timestamp: 'on',
  max_connections: '37',
  max_worker_processes: '9',
  max_wal_senders: '5',
  max_prepared_transactions: '3',
  max_locks_per_transaction: '77',
};

const limits = {
  maxConnections: 37,
  maxWorkerProcesses: 9,
  maxWalSenders: 5,
  maxPreparedTransactions: 3,
  maxLocksPerTransaction: 77,
};

function read(dataDirectory: string): ControlFile {
  const bytes = readFileSync(join(dataDirectory, controlFilePath));
  expect(bytes.byteLength).toBe(controlFileBytes);
  const reading = parseControlFile(bytes);
  if (reading.state !== 'sound') throw new Error('the control file is torn');
  return reading.controlFile;
}

test.each(embeddedMajors)('PostgreSQL %d reads the same from its control file', (major) => {
  using scratch = new Scratch();
  const binaries = embeddedBinaries(major);
  const dataDirectory = scratch.initdb(binaries, 'data', ['--data-checksums', '--wal-segsize=1']);
  const flags = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  scratch.querySingleUser(binaries, dataDirectory, { sql: 'SELECT 1', settings: flags });
  const control = read(dataDirectory);
  expect(control).toMatchObject({ major, state: 'shut down', walLevel: 'logical', walLogHints: true, limits });
  expect(control.trackCommitTimestamp).toBe(true);
  const sql = `SELECT s.*, c.*, i.*, extract(epoch FROM c.checkpoint_time)::bigint AS checkpoint_seconds
    FROM pg_control_system() s, pg_control_checkpoint() c, pg_control_init() i`;
  const row = scratch.querySingleUser(binaries, dataDirectory, { sql: sql.replaceAll('\n', ' '), settings: flags });
  expect(row).toMatchObject({
    pg_control_version: String(control.controlVersion),
    catalog_version_no: String(control.catalogVersion),
    system_identifier: String(control.systemIdentifier),
    checkpoint_lsn: formatLsn(control.checkpoint.location),
    redo_lsn: formatLsn(control.checkpoint.redo),
    timeline_id: String(control.checkpoint.timeline),
    prev_timeline_id: String(control.checkpoint.previousTimeline),
    full_page_writes: control.checkpoint.fullPageWrites ? 't' : 'f',
    checkpoint_seconds: String(control.checkpoint.time.getTime() / 1000),
    database_block_size: String(control.blockBytes),
    blocks_per_segment: String(control.relationSegmentBlocks),
    wal_block_size: String(control.walBlockBytes),
    bytes_per_wal_segment: String(control.walSegmentBytes),
    data_page_checksum_version: String(control.dataChecksumVersion),
  });
});

/** Each line of pg_controldata 15 that has a field here. */
const reported: Readonly<Record<string, (control: ControlFile) => string>> = {
  'pg_control version number': (control) => String(control.controlVersion),
  'Catalog version number': (control) => String(control.catalogVersion),
  'Database system identifier': (control) => String(control.systemIdentifier),
  'Database cluster state': (control) => control.state,
  'pg_control last modified': (control) => seconds(control.updatedAt.toISOString()),
  'Latest checkpoint location': (control) => formatLsn(control.checkpoint.location),
  "Latest checkpoint's REDO location": (control) => formatLsn(control.checkpoint.redo),
  "Latest checkpoint's TimeLineID": (control) => String(control.checkpoint.timeline),
  "Latest checkpoint's PrevTimeLineID": (control) => String(control.checkpoint.previousTimeline),
  "Latest checkpoint's full_page_writes": (control) => (control.checkpoint.fullPageWrites ? 'on' : 'off'),
  'Time of latest checkpoint': (control) => seconds(control.checkpoint.time.toISOString()),
  'Minimum recovery ending location': (control) => formatLsn(control.minRecoveryPoint),
  "Min recovery ending loc's timeline": (control) => String(control.minRecoveryTimeline),
  'Backup start location': (control) => formatLsn(control.backupStart),
  'Backup end location': (control) => formatLsn(control.backupEnd),
  'End-of-backup record required': (control) => (control.backupEndRequired ? 'yes' : 'no'),
  'wal_level setting': (control) => control.walLevel,
  'wal_log_hints setting': (control) => (control.walLogHints ? 'on' : 'off'),
  'max_connections setting': (control) => String(control.limits.maxConnections),
  'max_worker_processes setting': (control) => String(control.limits.maxWorkerProcesses),
  'max_wal_senders setting': (control) => String(control.limits.maxWalSenders),
  'max_prepared_xacts setting': (control) => String(control.limits.maxPreparedTransactions),
  'max_locks_per_xact setting': (control) => String(control.limits.maxLocksPerTransaction),
  'track_commit_timestamp setting': (control) => (control.trackCommitTimestamp ? 'on' : 'off'),
  'Database block size': (control) => String(control.blockBytes),
  'Blocks per segment of large relation': (control) => String(control.relationSegmentBlocks),
  'WAL block size': (control) => String(control.walBlockBytes),
  'Bytes per WAL segment': (control) => String(control.walSegmentBytes),
  'Data page checksum version': (control) => String(control.dataChecksumVersion),
};

function seconds(text: string): string {
  return String(Date.parse(text) / 1000);
}

function expectAgreement(scratch: Scratch, dataDirectory: string): ControlFile {
  const control = read(dataDirectory);
  const output = scratch.run(join(systemBinaries, 'pg_controldata'), ['-D', dataDirectory]);
  const said = Object.fromEntries(
    output.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  for (const [name, render] of Object.entries(reported)) {
    const value = said[name] as string;
    const comparable = /modified|^Time of/.test(name) ? seconds(`${value} UTC`) : value;
    expect(render(control), name).toBe(comparable);
  }
  return control;
}

test('agrees with pg_controldata on a running, a stopped, and a recovering cluster', () => {
  using scratch = new Scratch();
  scratch.run('mkdir', ['archive']);
  const archive = join(scratch.path, 'archive');
  const primary = scratch.initdb(systemBinaries, 'primary', ['--wal-segsize=4']);
  const standby = join(scratch.path, 'standby');
  {
    const archiving = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` };
    using server = new RunningServer(scratch, primary, { settings: { ...settings, ...archiving } });
    server.run('pg_basebackup', ['-D', standby, '-X', 'fetch', '-c', 'fast']);
    server.sql('CREATE TABLE t AS SELECT generate_series(1, 100000)');
    server.sql('SELECT pg_switch_wal()');
    expect(expectAgreement(scratch, primary).state).toBe('in production');
  }
  expect(expectAgreement(scratch, primary)).toMatchObject({ state: 'shut down', limits });
  scratch.run('touch', [join(standby, 'standby.signal')]);
  {
    using server = new RunningServer(scratch, standby, { settings: { restore_command: `cp ${archive}/%f %p` } });
    while (server.sql("SELECT to_regclass('t') IS NULL") === 't') server.sql('SELECT pg_sleep(0.05)');
    server.sql('CHECKPOINT');
    expect(expectAgreement(scratch, standby).state).toBe('in archive recovery');
  }
  const stopped = expectAgreement(scratch, standby);
  expect(stopped).toMatchObject({ state: 'shut down in recovery', minRecoveryTimeline: 1 });
  expect(stopped.minRecoveryPoint).toBeGreaterThan(0n);
});
