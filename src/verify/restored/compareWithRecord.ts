import type { PhysicalRecord } from '../../backup/physicalRecord.ts';
import type { Context } from '../../base/context.ts';
import { readTablespaces } from '../../postgres/catalog.ts';
import { readExtensions, readUsedCollations } from '../../postgres/databaseCatalog.ts';
import type { Outcome } from '../proof/checkList.ts';
import type { RestoredCluster } from './restoredCluster.ts';

export interface Comparison {
  readonly record: PhysicalRecord;
  /**
   * True when recovery stopped where the backup ended: then nothing may differ. Later WAL may have changed anything.
   */
  readonly exact: boolean;
}

/** Databases, their extensions, and tablespaces, against what the source had when the backup ended. */
export async function compareWithRecord(
  ctx: Context,
  cluster: RestoredCluster,
  { record, exact }: Comparison,
): Promise<Outcome> {
  const differences: string[] = [];
  const databases = new Map((await cluster.databases(ctx)).map((database) => [database.oid, database]));
  for (const expected of record.databases) {
    const found = databases.get(expected.oid);
    if (found?.name !== expected.name) differences.push(`database ${expected.name} is ${found?.name ?? 'not there'}`);
    if (found?.allowsConnections !== true) continue;
    const extensions = await cluster.session(ctx, found.name, readExtensions);
    const versions = new Map(extensions.map(({ name, version }) => [name, version]));
    for (const { name, version } of expected.extensions) {
      if (versions.get(name) === version) continue;
      differences.push(`${expected.name}: extension ${name} ${version} is ${versions.get(name) ?? 'not there'}`);
    }
  }
  const spaces = await cluster.session(ctx, undefined, readTablespaces);
  for (const { oid, name } of record.tablespaces) {
    const found = spaces.find((space) => space.oid === oid);
    if (found?.name !== name) differences.push(`tablespace ${name} is ${found?.name ?? 'not there'}`);
  }
  const expected = `${record.databases.length} databases and ${record.tablespaces.length} tablespaces of the record`;
  if (differences.length === 0) return { status: 'passed', expected };
  if (exact) return { status: 'failed', expected, detail: differences };
  return { status: 'warning', expected, detail: differences, hint: 'was this done after the backup? then all is well' };
}

export interface CollationsCompared {
  readonly outcome: Outcome;
  /** Databases with a collation that is not that of the source. */
  readonly databases: ReadonlySet<string>;
}

/**
 * Versions of collations, as recorded when indexes were built and as this machine has them. Where they differ, text may
 * sort differently, and indexes on it would be searched wrongly here.
 */
export async function compareCollations(ctx: Context, cluster: RestoredCluster): Promise<CollationsCompared> {
  const differing = new Set<string>();
  const detail: string[] = [];
  for (const database of await cluster.databases(ctx)) {
    if (!database.allowsConnections) continue;
    const { name, collationVersion: built, actualCollationVersion: actual } = database;
    const note = (what: string, from: string, to: string | undefined): void => {
      differing.add(name);
      detail.push(`${name}: ${what} was built with version ${from} and is ${to ?? 'unknown'} here`);
    };
    if (built !== undefined && built !== actual) note('its collation', built, actual);
    for (const one of await cluster.session(ctx, name, readUsedCollations)) {
      if (one.version !== one.actualVersion)
        note(`collation ${one.schema}.${one.name}`, one.version, one.actualVersion);
    }
  }
  if (detail.length === 0) return { outcome: { status: 'passed' }, databases: differing };
  const hint =
    'recover on a machine with the same C library and ICU, or REINDEX all indexes on text there, ' +
    'then ALTER DATABASE ... REFRESH COLLATION VERSION';
  return { outcome: { status: 'warning', detail, hint }, databases: differing };
}
