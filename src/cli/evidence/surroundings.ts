import { createHash } from 'node:crypto';
import { release, type } from 'node:os';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Config, SourceConfig } from '../../config/schema.ts';
import { loadBackupFacts } from '../../recovery/backupFacts.ts';
import type { Evidence } from '../../recovery/evidenceSchema.ts';
import { loadEvidence } from '../../recovery/evidenceStore.ts';
import { looseEnds } from '../../recovery/verifyEvidence.ts';
import type { LoadedRun } from '../../recovery/runDirectory.ts';
import type { KnownSource, RepositorySight, Surroundings } from '../../recovery/surroundings.ts';
import type { Repository } from '../../repository/repository.ts';
import { forget, type ForgetResult } from '../../retention/forget.ts';
import { formatCalendarDuration } from '../../snapshot/calendarDuration.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import type { RuleSlots } from '../../snapshot/retentionSlots.ts';
import { loadSnapshots } from '../../snapshot/snapshots.ts';
import { loadProofs } from '../../verify/proofStore.ts';
import type { Invocation } from '../command.ts';
import { loadFailedProofs } from '../forget/failedProofs.ts';
import { policyOfConfig, sourcePoliciesOfConfig } from '../forget/policy.ts';
import { contacts } from '../plan/runPlaces.ts';
import { groupText } from '../snapshots/groupText.ts';

/** What the configuration says; `notRead` tells why the repository was not asked. */
export async function configuredSurroundings(
  invocation: Pick<Invocation, 'loadConfig'>,
  notRead: string,
): Promise<Surroundings> {
  const { config, path } = await invocation.loadConfig();
  const { organisation, environment } = config.evidence;
  return {
    contacts: await contacts(invocation),
    organisation: organisation ?? null,
    environment: environment ?? null,
    // secrets turn themselves into `[redacted]`
    policyDigest: path === undefined ? null : createHash('sha256').update(JSON.stringify(config)).digest('hex'),
    sources: Object.entries(config.sources).map(knownSource),
    repository: { notRead },
    signingKeyId: null,
    tools: { node: process.version, system: `${type()} ${release()}` },
  };
}

export interface SightOptions {
  readonly run: LoadedRun;
  readonly config: Config;
  readonly openedAt: string;
  readonly warn: (message: string) => void;
}

/** What the repository says that bears on a run. */
export async function sightOfRepository(
  ctx: Context,
  repository: Repository,
  { run, config, openedAt, warn }: SightOptions,
): Promise<RepositorySight> {
  const used = [...run.state.steps.values()].flatMap(({ facts }) => {
    const { snapshot } = facts;
    return typeof snapshot === 'string' ? [snapshot] : [];
  });
  const onUnreadable = (object: string, reason: string): void => warn(`${object}: ${reason}`);
  const unreadable = (id: string): void => warn(`snapshot ${id.slice(0, 8)} cannot be read`);
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository), { onUnreadable: unreadable });
  const proofs = used.length === 0 ? [] : await loadProofs(ctx, repository, { onUnreadable });
  const stored = await loadEvidence(ctx, repository, onUnreadable);
  return {
    location: repository.backend.location,
    medium: repository.backend.localDirectory === undefined ? 'object storage' : 'file system of this machine',
    keyId: repository.keyId,
    openedAt,
    backups: await loadBackupFacts(ctx, repository, { used, snapshots, begunAt: run.state.begun.at }),
    proofs: proofs.flatMap(({ proof }) => (used.includes(proof.snapshot?.id ?? '') ? [proof] : [])),
    retention: await retentionSight(ctx, repository, config),
    earlier: stored.flatMap(({ evidence }) => (isEarlier(evidence, run) ? [evidence] : [])),
    previous: looseEnds(stored),
  };
}

/** When evidence is stored late, later runs have stored theirs already. */
function isEarlier({ authority, timeline }: Evidence, { plan, state }: LoadedRun): boolean {
  return authority.plan.name === plan.name && timeline.begunAt < state.begun.at;
}

/** As `forget --dry-run` tells it; null without a policy, or when it cannot be told now. */
async function retentionSight(
  ctx: Context,
  repository: Repository,
  config: Config,
): Promise<RepositorySight['retention']> {
  const [policy, sourcePolicies] = [policyOfConfig(config), sourcePoliciesOfConfig(config)];
  if (policy === undefined && sourcePolicies.size === 0) return null;
  try {
    const result = await forget(ctx, repository, {
      selection: { policy, sourcePolicies, allowRemoveAll: true },
      dryRun: true,
      failedProofs: (locked, snapshots) => loadFailedProofs(locked, repository, snapshots),
    });
    return retentionGroups(result);
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    ctx.log.warn({ err: error }, 'the slots of the retention are not told');
    return null;
  }
}

function retentionGroups({ forgotten, held }: ForgetResult): NonNullable<RepositorySight['retention']> {
  return forgotten.groups.map(({ key, decisions, rules }) => ({
    group: groupText(key),
    kept: decisions.filter(({ keep }) => keep).length,
    forgotten: decisions.filter(({ keep }) => !keep).length,
    rules: rules.map(({ rule, wanted, slots }) => ({
      rule,
      wanted: wantedText(wanted),
      filled: slots.filter(({ snapshotId }) => snapshotId !== undefined).length,
      missing: slots.flatMap(({ period, snapshotId }) => (snapshotId === undefined ? [period] : [])),
    })),
    held: held.find(({ source }) => source === key.source)?.reason ?? null,
  }));
}

function wantedText(wanted: RuleSlots['wanted']): string {
  return typeof wanted === 'object' ? formatCalendarDuration(wanted) : String(wanted);
}

function knownSource([name, source]: [string, SourceConfig]): KnownSource {
  const mode = 'connection' in source ? (source.connection.tls.mode ?? process.env['PGSSLMODE'] ?? 'prefer') : null;
  return { name, kind: source.kind, tier: source.tier ?? null, tlsMode: mode };
}
