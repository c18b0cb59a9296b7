import { existsSync } from 'node:fs';
import type { BackupEvidence, Evidence } from '../evidenceSchema.ts';
import type { Plan } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';
import type { RepositorySight, Surroundings } from '../surroundings.ts';
import { sealing } from './backups.ts';

/** What was restored, and what of the configured sources was not. */
export function scopeOf(backups: readonly BackupEvidence[], { sources, repository }: Surroundings): Evidence['scope'] {
  const restored = [...new Set(backups.flatMap(({ source }) => (source === null ? [] : [source])))];
  const databases = backups.flatMap(({ snapshot }) => {
    if ('notRead' in repository || snapshot === null) return [];
    return repository.backups.get(snapshot)?.databases ?? [];
  });
  return {
    systems: restored.map((source) => {
      const known = sources.find(({ name }) => name === source);
      const kept = { dataClass: null, assetId: null, owner: null };
      return { source, kind: known?.kind ?? null, tier: known?.tier ?? null, ...kept };
    }),
    outOfScope: sources
      .filter(({ name }) => !restored.includes(name))
      .map(({ name, kind }) => ({ source: name, kind, reason: 'no step of this run restored it' })),
    databases: databases.length === 0 ? null : [...new Set(databases)],
  };
}

/** Where it was restored to, and why that is not production. */
export function targetOf(plan: Plan, run: RunState, backups: readonly BackupEvidence[]): Evidence['target'] {
  const isolation = isolationOf(plan, run);
  const identifiers = backups.flatMap(({ kind, systemIdentifier }) =>
    kind === 'restore-cluster' && systemIdentifier !== null ? [systemIdentifier] : [],
  );
  return {
    directory: run.begun.directory,
    isolation,
    notProduction:
      isolation === null
        ? null
        : 'every path of a restoring step lay in a directory made for this run, and no step of a kind that writes to ' +
          'a running server was carried out; what the programs of steps did is not seen. A physical copy bears the ' +
          'system identifier of its source, so that proves nothing here',
    systemIdentifiers: identifiers.length === 0 ? null : [...new Set(identifiers)],
    region: null,
    imageDigest: null,
    access: run.begun.drill ? `${run.begun.by}, and who administers ${run.begun.host}` : null,
  };
}

/** Only said when it is so: at the end, when it is gone, and when no step was allowed to act outside. */
function isolationOf({ steps }: Plan, run: RunState): string | null {
  if (!run.begun.drill || run.endedAt === undefined || existsSync(run.begun.directory)) return null;
  const outside = steps.some(({ drill, id }) => drill && stepState(run, id).begunAt !== undefined);
  return outside ? null : 'a sandbox that was removed at the end';
}

/** What protects the data, as far as this run has tried it. */
export function controlsOf(run: RunState, { repository, sources }: Surroundings): Evidence['controls'] {
  const sight = sightOf(repository);
  const over = run.begun.drill && run.endedAt !== undefined;
  return {
    encryptionAtRest: sight === undefined ? null : sealing,
    keyId: sight?.keyId ?? null,
    keyTestedAt: sight?.openedAt ?? null,
    connections: sources.flatMap(({ name, tlsMode }) => {
      if (tlsMode === null) return [];
      return [{ source: name, tlsMode, tlsRequired: ['require', 'verify-ca', 'verify-full'].includes(tlsMode) }];
    }),
    objectLockTested: null,
    credentialsScope: null,
    sandboxRemoved: over ? !existsSync(run.begun.directory) : null,
    sandboxCheckedAt: over ? (run.endedAt ?? null) : null,
    masking: null,
  };
}

export function copiesOf({ repository }: Surroundings, restoredAt: string | null): Evidence['copies'] {
  const sight = sightOf(repository);
  if (sight === undefined) return { known: [], others: null };
  const { location, medium } = sight;
  const copy = { name: 'repository', location, medium, provider: null, region: null, immutable: null };
  return { known: [{ ...copy, lastRestoreFrom: restoredAt }], others: null };
}

/** Everybody who did or decided something. */
export function participantsOf(run: RunState, decisions: Evidence['authority']['decisions']) {
  const roles = new Map<string, Set<string>>();
  const add = (name: string, role: string): void => void roles.set(name, (roles.get(name) ?? new Set()).add(role));
  add(run.begun.by, 'carried it out');
  for (const { by, decided } of decisions) add(by, decided);
  return [...roles].map(([name, found]) => ({ name, roles: [...found] }));
}

export function sightOf(repository: Surroundings['repository']): RepositorySight | undefined {
  return 'notRead' in repository ? undefined : repository;
}
