import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { tempDir } from '../testing/tempDir.ts';
import { testArchive, testCluster, testRepository } from './fixture/segments.ts';
import { WalArchive } from './walArchive.ts';
import { endLease, loadLeases, parseClaim, renewLease, serializeClaim, type LeaseClaim } from './walLease.ts';
import { leaseFilePath, readLeaseFile, renewLeaseIfDue } from './walLeaseFile.ts';

const clock = new SimulatedClock();
const ctx = createContext({ clock });
const claim: LeaseClaim = {
  id: 'f00d',
  timeline: toTimelineId(2),
  startLsn: parseLsn('1/A0000028'),
  destination: '/srv/pg',
};

test('a lease is read as it was written, renewed, and ended twice', async () => {
  const archive = await testArchive();
  await renewLease(ctx, archive, claim);
  clock.advance(60_000);
  await renewLease(ctx, archive, claim);
  expect(await loadLeases(ctx, archive)).toMatchObject({
    leases: [{ ...claim, renewed: clock.now() }],
    unreadable: [],
  });
  for (const _ of [1, 2]) await endLease(ctx, archive, claim.id);
  expect(await loadLeases(ctx, archive)).toEqual({ leases: [], unreadable: [] });
});

test.each([
  ['sealed by nobody', () => Buffer.alloc(100)],
  ['without a position', (seal: (plain: Buffer) => Buffer) => seal(Buffer.from('{"timeline":1}'))],
  [
    'on no timeline',
    (seal: (plain: Buffer) => Buffer) =>
      seal(
        Buffer.from('{"timeline":0,"startLsn":"1/28","destination":"/","host":"h","renewed":"2026-11-22T10:00:00Z"}'),
      ),
  ],
  ['no JSON', (seal: (plain: Buffer) => Buffer) => seal(Buffer.from('lease'))],
])('a lease that is %s is told by its name', async (_, content) => {
  const archive = await testArchive();
  const name = `understudy/wal-leases/${archive.systemIdentifier}/odd`;
  await archive.backend.put(
    ctx,
    name,
    content((plain) => archive.codec.sealer.seal(plain)),
  );
  expect(await loadLeases(ctx, archive)).toEqual({ leases: [], unreadable: [name] });
});

test('a recovery renews its lease every ten minutes at most, also where it may not write', async () => {
  await using spool = await tempDir();
  const backend = new FaultBackend(openMemoryBackend(), { errors: [] });
  const archive = WalArchive.of(await testRepository(backend), testCluster);
  const puts = (): number => backend.operations.filter(({ kind, name }) => kind === 'put' && /lease/.test(name)).length;
  await renewLeaseIfDue(ctx, archive, spool.path);
  expect(puts()).toBe(0); // this recovery has no lease
  writeFileSync(leaseFilePath(spool.path), serializeClaim(claim));
  utimesSync(leaseFilePath(spool.path), clock.now(), clock.now());
  for (let minute = 0; minute <= 30; minute++, clock.advance(60_000)) await renewLeaseIfDue(ctx, archive, spool.path);
  expect(puts()).toBe(3);
  expect((await loadLeases(ctx, archive)).leases).toHaveLength(1);

  const denied = new FaultBackend(openMemoryBackend(), { errors: [{ kind: 'put', nth: 3, code: 'backend-denied' }] });
  const readOnly = WalArchive.of(await testRepository(denied), testCluster);
  clock.advance(3_600_000);
  await renewLeaseIfDue(ctx, readOnly, spool.path);
  expect(denied.operations.filter(({ kind }) => kind === 'put')).toHaveLength(3); // key and config before
  expect(existsSync(leaseFilePath(spool.path))).toBe(true);
});

test('a claim that is damaged is none', () => {
  expect(parseClaim(serializeClaim(claim).toString())).toEqual(claim);
  for (const text of ['', '{}', '{"id":"a","timeline":1,"startLsn":"x","destination":"/"}'])
    expect(parseClaim(text)).toBeUndefined();
  expect(readLeaseFile('/nowhere')).toBeUndefined();
});
