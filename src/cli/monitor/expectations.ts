import type { Config, SourceConfig } from '../../config/schema.ts';
import { defaultMinSizeBytes, type SourceObjectives, type TierObjectives } from '../../monitor/objectives.ts';

/** What the configuration expects, by source; undefined when it names no source. */
export function objectivesOfConfig(config: Config): Map<string, SourceObjectives> | undefined {
  const sources = Object.entries(config.sources);
  if (sources.length === 0) return undefined;
  return new Map(
    sources.map(([name, source]) => {
      const { maxAge, minSize, verifyEvery } = source.monitor;
      const objectives: SourceObjectives = {
        kind: source.kind,
        maxAgeMs: maxAge,
        minSizeBytes: minSize ?? defaultMinSizeBytes(source.kind),
        verifyEveryMs: verifyEvery,
        tier: tierOf(config, source),
      };
      return [name, objectives];
    }),
  );
}

function tierOf({ tiers, sources }: Config, source: SourceConfig): TierObjectives | undefined {
  const name = source.tier;
  const tier = name === undefined ? undefined : tiers[name];
  if (name === undefined || tier === undefined) return undefined;
  const kept = Object.values(sources).some((other) => keepsRecoveryPoint(other, source));
  return { name, rpoMs: kept ? undefined : tier.rpo, rtoMs: tier.rto };
}

/** Base backups and WAL of the same server in the same tier keep its recovery point: a dump beside them need not. */
function keepsRecoveryPoint(other: SourceConfig, source: SourceConfig): boolean {
  if (source.kind !== 'dump' || other.kind !== 'postgres' || other.tier !== source.tier) return false;
  const [one, two] = [source.connection, other.connection];
  return one.uri?.reveal() === two.uri?.reveal() && one.host === two.host && one.port === two.port;
}
