import { expect, test } from 'vitest';
import { snapshotFixture } from './fixture/snapshotFixture.ts';
import { planForget, type SnapshotJudgement } from './forgetPlan.ts';
import type { Snapshot } from './snapshots.ts';

const now = new Date('2026-11-22T12:00:00Z');

/** Backups of sources of ours on one host, a day apart, oldest first. */
function backupsOf(...sources: readonly string[]): Snapshot[] {
  return sources.map((source, day) =>
    snapshotFixture({
      id: `${day}`.repeat(64),
      time: `2026-11-1${day}T00:00:00Z`,
      tags: ['understudy', 'kind:files', `source:${source}`],
    }),
  );
}

test('a source with a policy of its own is not counted with others', () => {
  const snapshots = backupsOf('main', 'logs', 'main', 'logs');
  const options = { policy: { last: 1 }, sourcePolicies: new Map([['logs', { last: 2 }]]), now };
  expect(() => planForget(snapshots, { ...options, groupBy: ['host'] })).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringContaining('source "logs" has rules of its own') }),
  );
  expect(planForget(snapshots, { ...options, groupBy: ['source', 'host'] }).remove).toEqual([snapshots[0]]);
  expect(planForget(backupsOf('logs', 'logs', 'logs'), { ...options, groupBy: ['host'] }).remove).toHaveLength(1);
  expect(planForget(snapshots, { policy: { last: 1 }, groupBy: ['host'], now }).remove).toHaveLength(3);
});

test('a policy that keeps nothing is refused, also where the last good backup would stay', () => {
  const snapshots = backupsOf('main', 'main', 'main');
  const judgement: SnapshotJudgement = { flaws: new Map(), lastGood: new Set([snapshots[2]!.id]), held: new Map() };
  const options = { policy: { tags: [['mistyped']] }, judgement, now };
  expect(() => planForget(snapshots, options)).toThrow('every snapshot of a group');
  expect(planForget(snapshots, { ...options, allowRemoveAll: true }).keep).toEqual([snapshots[2]]);
});
