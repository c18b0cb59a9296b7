import { isPhysical, loadPhysicalRecord } from '../backup/loadPhysicalRecord.ts';
import { dataDirectoryName, type PhysicalRecord } from '../backup/physicalRecord.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId, type TimelineId } from '../postgres/timeline.ts';
import type { Repository } from '../repository/repository.ts';
import { findSnapshot } from '../snapshot/snapshotSelector.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';

/** A physical snapshot, as recovery sees it. */
export interface BaseBackup {
  readonly snapshot: Snapshot;
  readonly record: PhysicalRecord;
  readonly systemIdentifier: SystemIdentifier;
  readonly timeline: TimelineId;
  /** Recovery may stop from here on: the cluster is consistent. */
  readonly stopLsn: Lsn;
  readonly stopTime: Date;
}

const physicalTag = 'kind:postgres';

/** Path of the data directory in the tree of a physical snapshot. */
export function dataDirectoryPath(source: string): string {
  return `/${source}/${dataDirectoryName}`;
}

/**
 * The physical backups of one source (default: of the only one there is), oldest first. Those that cannot be read are
 * logged and left out, unless that is all of them. Throws `not-found`, `usage`, `repository-damaged`.
 */
export async function loadBaseBackups(
  ctx: Context,
  repository: Repository,
  source: string | undefined,
): Promise<BaseBackup[]> {
  const damaged: unknown[] = [];
  const leaveOut = (id: string, error: unknown): void => {
    if (!isOperationError(error, 'repository-damaged', 'repository-unsupported', 'object-missing', 'not-found'))
      throw error;
    ctx.log.warn({ snapshot: id, err: error }, 'a backup cannot be read');
    damaged.push(error);
  };
  const snapshotsFound = await loadSnapshots(ctx, snapshotSource(repository), { onUnreadable: leaveOut });
  const all = snapshotsFound.filter(isPhysical);
  const sources = [...new Set(all.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('source:'))))];
  if (all.length === 0 && damaged.length > 0) throw damaged[0];
  const wanted = source === undefined ? onlySource(sources) : `source:${source}`;
  const snapshots = all.filter(({ tags }) => tags.includes(wanted));
  if (snapshots.length === 0) throw noBackups(source, sources);
  const backups: BaseBackup[] = [];
  for (const snapshot of snapshots) {
    try {
      backups.push(await loadBaseBackup(ctx, repository, snapshot));
    } catch (error) {
      leaveOut(snapshot.id, error);
    }
  }
  if (backups.length === 0) throw damaged[0];
  return backups.toSorted((one, other) => one.stopTime.getTime() - other.stopTime.getTime());
}

/** The physical backup that an id, a prefix of one, or `latest` names. Throws `not-found`, `ambiguous-id`, `usage`. */
export async function findBaseBackup(
  ctx: Context,
  repository: Repository,
  selector: { readonly text: string; readonly source?: string | undefined },
): Promise<BaseBackup> {
  const { text, source } = selector;
  const tags = source === undefined ? [physicalTag] : [physicalTag, `source:${source}`];
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text, filter: { tags: [tags] } });
  if (isPhysical(snapshot)) return loadBaseBackup(ctx, repository, snapshot);
  throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} is no physical backup of a cluster`, {
    hint: '`understudy restore files` restores a snapshot of files',
    detail: { snapshot: snapshot.id },
  });
}

/** One physical snapshot, with its record. Throws what `loadPhysicalRecord` throws. */
export async function loadBaseBackup(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<BaseBackup> {
  const record = await loadPhysicalRecord(ctx, repository, snapshot);
  return {
    snapshot,
    record,
    systemIdentifier: parseSystemIdentifier(record.systemIdentifier),
    timeline: toTimelineId(record.timeline),
    stopLsn: parseLsn(record.stopLsn),
    stopTime: new Date(record.stopTime),
  };
}

function onlySource(tags: readonly string[]): string {
  const [only] = tags;
  if (tags.length === 1 && only !== undefined) return only;
  if (tags.length === 0) throw noBackups(undefined, tags);
  throw new OperationError('usage', 'the repository holds backups of several clusters', {
    hint: `say which one with --source: ${names(tags)}`,
  });
}

function noBackups(source: string | undefined, tags: readonly string[]): OperationError {
  const of = source === undefined ? '' : ` of source ${source}`;
  return new OperationError('not-found', `the repository holds no physical backup${of}`, {
    hint: tags.length === 0 ? 'make one: understudy backup' : `there are backups of ${names(tags)}`,
  });
}

function names(tags: readonly string[]): string {
  return tags.map((tag) => tag.slice('source:'.length)).join(', ');
}
