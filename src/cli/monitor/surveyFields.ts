import { exposureOf, newestUsable } from '../../monitor/exposure.ts';
import type { BackupFacts, ProofFacts, SlotFacts, SourceFacts, StorageFacts } from '../../monitor/facts.ts';
import type { Finding } from '../../monitor/finding.ts';
import type { SourceObjectives } from '../../monitor/objectives.ts';
import type { Survey } from './survey.ts';

/** A survey for programs: all findings, all facts; times ISO 8601, spans in milliseconds, sizes in bytes. */
export function surveyFields({ now, facts, findings, objectives }: Survey): Record<string, unknown> {
  return {
    time: now.toISOString(),
    findings: findings.map(findingFields),
    sources: facts.sources.map((source) => sourceFields(source, { now, objective: objectiveOf(source, objectives) })),
    repository: facts.storage === undefined ? null : storageFields(facts.storage),
    foreign_snapshots: facts.foreignSnapshots,
    unreadable_snapshots: facts.unreadableSnapshots,
  };
}

function findingFields({ source, rule, severity, message, values }: Finding): Record<string, unknown> {
  return { source: source ?? null, rule, severity, message, values: snakeCased(values) };
}

/** What is expected of backups of another kind under the same name says nothing of these. */
function objectiveOf({ source, kind }: SourceFacts, objectives: Survey['objectives']): SourceObjectives | undefined {
  const objective = objectives?.get(source);
  return objective?.kind === kind ? objective : undefined;
}

function sourceFields(
  facts: SourceFacts,
  { now, objective }: { readonly now: Date; readonly objective: SourceObjectives | undefined },
): Record<string, unknown> {
  const exposure = exposureOf(facts, now);
  const newest = newestUsable(facts.backups, now);
  const { recovery } = facts;
  return {
    source: facts.source,
    kind: facts.kind,
    configured: objective !== undefined,
    tier: objective?.tier?.name ?? null,
    backup_count: facts.backupCount,
    first_backup: facts.firstBackup.toISOString(),
    newest_good: newest?.id ?? null,
    backups: facts.backups.map(backupFields),
    exposure_ms: exposure?.lossMs ?? null,
    recoverable_point: exposure?.point.toISOString() ?? null,
    rpo_ms: objective?.tier?.rpoMs ?? null,
    recovery_ms: recovery?.durationMs ?? null,
    recovery_proved_at: recovery?.at.toISOString() ?? null,
    rto_ms: objective?.tier?.rtoMs ?? null,
    verified: proofFields(facts.verified),
    last_proof: proofFields(facts.lastProof),
    server: serverFields(facts.server),
    wal: walFields(facts.wal),
    slots: facts.slots.map(slotFields),
    held: facts.held ?? null,
  };
}

function backupFields({ id, time, sizeBytes, flaw }: BackupFacts): Record<string, unknown> {
  return { id, time: time.toISOString(), size_bytes: sizeBytes ?? null, flaw: flaw?.reason ?? null };
}

function proofFields(proof: ProofFacts | undefined): Record<string, unknown> | null {
  if (proof === undefined) return null;
  const { snapshot, verdict, level, at } = proof;
  return { snapshot_id: snapshot ?? null, verdict, level, at: at.toISOString() };
}

function serverFields(server: SourceFacts['server']): Record<string, unknown> | null {
  if (server === undefined) return null;
  const { isAnotherCluster, archivingFails } = server;
  return {
    is_another_cluster: isAnotherCluster,
    archiving_fails:
      archivingFails === undefined
        ? null
        : {
            segment: archivingFails.segment,
            last_success: archivingFails.lastSuccess?.toISOString() ?? null,
            waiting_files: archivingFails.waitingFiles ?? null,
          },
  };
}

function walFields(wal: SourceFacts['wal']): Record<string, unknown> | null {
  if (wal === undefined) return null;
  if ('unreadable' in wal) return { unreadable: wal.unreadable };
  const { segments, storedBytes, window, newest, gaps, backupNeeded, behindBackup, server } = wal;
  return {
    segments,
    stored_bytes: storedBytes,
    recoverable_from: window.begin.toISOString(),
    recoverable_lsn: window.endLsn,
    last_commit: window.lastCommit?.toISOString() ?? null,
    newest: newest === undefined ? null : { lsn: newest.lsn, stored_at: newest.storedAt.toISOString() },
    gaps,
    backup_needed: backupNeeded,
    behind_backup: behindBackup,
    server: server.state,
  };
}

function slotFields({ rule, filled, wanted, missing }: SlotFacts): Record<string, unknown> {
  return { rule, filled, wanted: wanted ?? null, missing };
}

function storageFields({ location, totalBytes, walBytes, written }: StorageFacts): Record<string, unknown> {
  return {
    location,
    total_bytes: totalBytes,
    wal_bytes: walBytes,
    written_7_days: written?.last7Days ?? null,
    written_30_days: written?.last30Days ?? null,
  };
}

function snakeCased(values: Finding['values']): Finding['values'] {
  const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [snake(name), value]));
}
