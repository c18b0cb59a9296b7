import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { crc32c } from '../postgres/crc32c.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { versionFacts } from '../postgres/version.ts';
import { tempDir } from '../testing/tempDir.ts';
import { otherCluster, testArchive, testCluster } from './fixture/segments.ts';
import { loadLeases, serializeClaim } from './walLease.ts';
import { leaseFilePath, renewLeaseIfDue } from './walLeaseFile.ts';

const ctx = createContext();
const archiveRecovery = 5;

interface ServerState {
  readonly cluster?: bigint;
  readonly state?: number;
  readonly redo?: string;
  readonly timeline?: number;
  readonly labelled?: boolean;
  readonly torn?: boolean;
}

function controlFile({ cluster = testCluster, state = archiveRecovery, redo, timeline, torn }: ServerState): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes.writeBigUInt64LE(cluster, 0);
  bytes.writeUInt32LE(versionFacts(15).controlVersion, 8);
  bytes.writeUInt32LE(versionFacts(15).catalogVersion, 12);
  bytes.writeUInt32LE(state, 16);
  bytes.writeBigUInt64LE(parseLsn(redo ?? '2/50'), 40);
  bytes.writeUInt32LE(timeline ?? 1, 48);
  bytes.writeUInt32LE(1, 172);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 288)) + (torn === true ? 1 : 0), 288);
  return bytes;
}

/** Where the lease of a server begins after it was renewed; it began at 1/28 of timeline 1. */
async function renewed(server: ServerState): Promise<string> {
  await using data = await tempDir();
  const spool = data.join('pg_wal/understudy-restore');
  mkdirSync(spool, { recursive: true });
  mkdirSync(data.join('global'));
  writeFileSync(data.join('global/pg_control'), controlFile(server));
  if (server.labelled === true) writeFileSync(data.join('backup_label'), '');
  const claim = { id: 'f00d', timeline: toTimelineId(1), startLsn: parseLsn('1/28'), destination: '/moved/since' };
  writeFileSync(leaseFilePath(spool), serializeClaim(claim));
  utimesSync(leaseFilePath(spool), 0, 0);
  const archive = await testArchive();
  await archive.put(ctx, { kind: 'history', timeline: toTimelineId(2) }, Buffer.from('1\t2/0\tpromoted\n'));
  await archive.put(ctx, { kind: 'history', timeline: toTimelineId(3) }, Buffer.from('1\t1/0\tbefore the backup\n'));
  await renewLeaseIfDue(ctx, archive, spool);
  const [lease] = (await loadLeases(ctx, archive)).leases;
  rmSync(spool, { recursive: true });
  return `${formatLsn(lease!.startLsn)} of ${lease!.timeline}`;
}

test.each<[string, ServerState, string]>([
  ['its restart point, however long it follows', {}, '2/50 of 1'],
  ['one on a later timeline that leads on from there', { timeline: 2, redo: '2/50' }, '2/50 of 2'],
])('the lease of a server that recovers moves on to %s', async (_, server, start) => {
  expect(await renewed(server)).toBe(start);
});

test.each<[string, ServerState]>([
  ['has not read its backup label yet', { labelled: true }],
  ['is that of another cluster', { cluster: otherCluster }],
  ['is not in recovery', { state: 6 }],
  ['cannot be read just now', { torn: true }],
  ['is behind', { redo: '0/50' }],
  ['is on a timeline that nobody archived', { timeline: 9 }],
  ['is on a timeline that does not come from there', { timeline: 3 }],
])('it stays at the beginning of the backup when the server %s', async (_, server) => {
  expect(await renewed(server)).toBe('1/28 of 1');
});
