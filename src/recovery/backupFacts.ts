import { z } from 'zod';
import { kindOf, loadRecordFile, sourceOf } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { isUnreadable } from '../retention/sourceRecord.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import type { BackupFacts } from './surroundings.ts';

/** As many snapshots as are told beside the chosen one. */
const mostCandidates = 10;

/** What evidence asks of a record of any kind. */
const recordSchema = z.looseObject({
  systemIdentifier: z.string().nullish(),
  serverVersionText: z.string().nullish(),
  timeline: z.number().nullish(),
  startLsn: z.string().nullish(),
  stopLsn: z.string().nullish(),
  stopTime: z.string().nullish(),
  sizeBytes: z.number().nullish(),
  databases: z.array(z.looseObject({ name: z.string() })).nullish(),
});

export interface UsedSnapshots {
  /** Whole ids of those that were restored. */
  readonly used: readonly string[];
  /** All there are, newest first. */
  readonly snapshots: readonly Snapshot[];
  /** When the run began, RFC 3339: what came later was not there to be chosen. */
  readonly begunAt: string;
}

/** What the repository says about the snapshots that a run has restored; those that are gone are left out. */
export async function loadBackupFacts(
  ctx: Context,
  repository: Repository,
  { used, snapshots, begunAt }: UsedSnapshots,
): Promise<Map<string, BackupFacts>> {
  const found = new Map<string, BackupFacts>();
  const there = snapshots.filter((one) => timeOf(one) <= begunAt);
  for (const snapshot of snapshots.filter(({ id }) => used.includes(id))) {
    const record = await recordOf(ctx, repository, snapshot);
    const isOurs = kindOf(snapshot) !== undefined;
    found.set(snapshot.id, {
      backupKind: kindOf(snapshot) ?? null,
      source: isOurs ? sourceOf(snapshot) : null,
      systemIdentifier: record.systemIdentifier ?? null,
      serverVersion: record.serverVersionText ?? null,
      timeline: record.timeline ?? null,
      startLsn: record.startLsn ?? null,
      stopLsn: record.stopLsn ?? null,
      completedAt: record.stopTime ?? timeOf(snapshot),
      sizeBytes: record.sizeBytes ?? null,
      contentDigest: snapshot.tree,
      databases: record.databases?.map(({ name }) => name) ?? null,
      candidates: candidatesOf(snapshot, there),
    });
  }
  return found;
}

async function recordOf(
  ctx: Context,
  repository: Repository,
  snapshot: Snapshot,
): Promise<z.infer<typeof recordSchema>> {
  if (kindOf(snapshot) === undefined) return {};
  try {
    const json = await loadRecordFile(ctx, repository, snapshot);
    return recordSchema.safeParse(JSON.parse(json.toString('utf8'))).data ?? {};
  } catch (error) {
    if (isUnreadable(error) || error instanceof SyntaxError) return {};
    throw error;
  }
}

/** The snapshots of the same source and kind, newest first, and why each was not the one. */
function candidatesOf(chosen: Snapshot, snapshots: readonly Snapshot[]): NonNullable<BackupFacts['candidates']> {
  const kin = snapshots.filter((one) => kindOf(one) === kindOf(chosen) && one.paths.join() === chosen.paths.join());
  const at = kin.findIndex(({ id }) => id === chosen.id);
  const first = Math.max(0, at - mostCandidates / 2);
  return kin.slice(first, first + mostCandidates).map((one) => ({
    snapshot: one.id,
    time: timeOf(one),
    chosen: one.id === chosen.id,
    reason: reasonOf(one, chosen),
  }));
}

function reasonOf(one: Snapshot, chosen: Snapshot): string {
  if (one.id === chosen.id) return 'chosen';
  return one.time.ns > chosen.time.ns
    ? 'the plan names another, or it ends after the recovery target'
    : 'a newer one fits, or the plan names another';
}

function timeOf({ time }: Snapshot): string {
  return new Date(Number(time.ns / 1_000_000n)).toISOString();
}
