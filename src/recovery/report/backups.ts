import type { BackupEvidence } from '../evidenceSchema.ts';
import type { Plan } from '../planDocument.ts';
import type { Facts } from '../runEvent.ts';
import { stepState, type RunState } from '../runState.ts';
import type { BackupFacts, RepositorySight, Surroundings } from '../surroundings.ts';
import { restoreKinds, succeeded } from './steps.ts';

/** What restic's format seals every object with. */
export const sealing = 'AES-256 in counter mode, Poly1305-AES';

/** What the steps restored: in the words of those steps, and of the repository. */
export function usedBackups(plan: Plan, run: RunState, { repository }: Surroundings): BackupEvidence[] {
  const sight = 'notRead' in repository ? undefined : repository;
  return succeeded(plan, run, restoreKinds).map(({ id, kind, options }): BackupEvidence => {
    const { facts } = stepState(run, id);
    const words = wordsOf(facts);
    const snapshot = words('snapshot');
    const found = snapshot === null ? undefined : sight?.backups.get(snapshot);
    return {
      step: id,
      kind,
      snapshot,
      ...recorded(found, words, facts),
      recoveredToLsn: words('recoveredToLsn'),
      consistentAt: words('consistentAt'),
      ...sealed(found === undefined ? undefined : sight),
      region: null,
      lock: null,
      selection: words('target') ?? named(options['snapshot']),
      restoredBytes: numberOf(facts['bytes']),
      restoredRows: numberOf(facts['rows']),
      flaw: words('flaw'),
    };
  });
}

function recorded(found: BackupFacts | undefined, words: (name: string) => string | null, facts: Facts) {
  return {
    backupKind: found?.backupKind ?? null,
    source: found?.source ?? words('source'),
    systemIdentifier: found?.systemIdentifier ?? words('systemIdentifier'),
    serverVersion: found?.serverVersion ?? words('serverVersion'),
    timeline: numberOf(facts['timeline']) ?? found?.timeline ?? null,
    startLsn: found?.startLsn ?? null,
    stopLsn: found?.stopLsn ?? null,
    completedAt: found?.completedAt ?? null,
    sizeBytes: found?.sizeBytes ?? null,
    contentDigest: found?.contentDigest ?? null,
    candidates: found?.candidates ?? null,
  };
}

function sealed(sight: RepositorySight | undefined) {
  return {
    encryption: sight === undefined ? null : sealing,
    keyId: sight?.keyId ?? null,
    location: sight?.location ?? null,
  };
}

function named(snapshot: unknown): string {
  return typeof snapshot === 'string' && snapshot !== 'latest' ? `the plan names ${snapshot}` : 'the newest that fits';
}

function wordsOf(facts: Facts) {
  return (name: string): string | null => {
    const fact = facts[name];
    return fact === undefined || fact === null ? null : String(fact);
  };
}

function numberOf(fact: unknown): number | null {
  return typeof fact === 'number' ? fact : null;
}
