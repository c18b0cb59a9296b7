import { formatLsn } from '../../postgres/lsn.ts';
import type { ClusterWalExpiry } from '../../retention/expireWal.ts';
import { leaseLifeMs, type WalLease } from '../../wal/walLease.ts';
import { formatBytes, plural } from '../format.ts';

/** The object that a prune prints about the WAL of a cluster with --json. */
export function walExpiryFields(expiry: ClusterWalExpiry, dryRun: boolean): Record<string, unknown> {
  const { systemIdentifier, sources, plan, keptBecause, leases } = expiry;
  return {
    dry_run: dryRun,
    system_identifier: String(systemIdentifier),
    sources,
    files_removed: plan?.remove.length ?? 0,
    removed_bytes: plan?.removeBytes ?? 0,
    ...(plan === undefined ? {} : { kept_bytes: plan.keepBytes }),
    ranges: (plan?.ranges ?? []).map(({ timeline, first, last, segments }) => ({
      timeline,
      first,
      last,
      segments: Number(segments),
    })),
    ...(keptBecause === undefined ? {} : { kept_because: keptBecause }),
    leases: leases.map(({ timeline, startLsn, destination, host, renewed }) => ({
      timeline,
      from: formatLsn(startLsn),
      destination,
      host,
      until: new Date(renewed.getTime() + leaseLifeMs).toISOString(),
    })),
  };
}

export function walExpiryText(expiry: ClusterWalExpiry, dryRun: boolean): string {
  return [ownText(expiry, dryRun), ...expiry.leases.map(leaseText)].join('\n');
}

function leaseText({ timeline, startLsn, destination, host, renewed }: WalLease): string {
  const until = new Date(renewed.getTime() + leaseLifeMs).toISOString();
  return (
    `  held from ${formatLsn(startLsn)} of timeline ${timeline} on, for the recovery in ${destination} on ${host}, ` +
    `until ${until} unless it goes on fetching`
  );
}

function ownText(expiry: ClusterWalExpiry, dryRun: boolean): string {
  const { systemIdentifier, sources, plan, keptBecause } = expiry;
  const cluster = sources.length === 0 ? `cluster ${systemIdentifier}` : sources.join(', ');
  if (plan === undefined) return `WAL of ${cluster}: all is kept, ${keptBecause}`;
  if (plan.remove.length === 0) return `WAL of ${cluster}: all is needed, ${formatBytes(plan.keepBytes)}`;
  const ranges = plan.ranges.map(({ first, last }) => (first === last ? first : `${first} to ${last}`));
  return (
    `WAL of ${cluster}: ${plural(plan.remove.length, 'file')} ${dryRun ? 'would be ' : ''}removed ` +
    `(${formatBytes(plan.removeBytes)}: ${ranges.join(', ')}), ${formatBytes(plan.keepBytes)} kept`
  );
}
