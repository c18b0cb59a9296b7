import type { DumpRecord } from '../../backup/dumpRecord.ts';
import { isPhysical, loadPhysicalRecord } from '../../backup/loadPhysicalRecord.ts';
import type { PhysicalRecord } from '../../backup/physicalRecord.ts';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { formatTimestamp, type Timestamp } from '../../snapshot/time.ts';
import { formatBytes, formatLocalTime } from '../format.ts';
import type { Column } from '../table.ts';
import { dumpFields, dumpRemarks, loadDumpRecord } from './describeDump.ts';

/** A snapshot and, of a physical or logical one, what its record says; undefined when that cannot be read. */
export interface DescribedSnapshot {
  readonly snapshot: Snapshot;
  readonly record: PhysicalRecord | undefined;
  readonly dump: DumpRecord | undefined;
}

const ownTag = /^(understudy$|kind:|source:)/;

/** Reads the records of PostgreSQL's snapshots. One that cannot be read is told to `warn`, and the list goes on. */
export async function describeSnapshots(
  ctx: Context,
  repository: Repository,
  given: { readonly snapshots: readonly Snapshot[]; readonly warn: (message: string) => void },
): Promise<DescribedSnapshot[]> {
  const described: DescribedSnapshot[] = [];
  for (const snapshot of given.snapshots) {
    described.push({ snapshot, ...(await readRecords(ctx, repository, { snapshot, warn: given.warn })) });
  }
  return described;
}

async function readRecords(
  ctx: Context,
  repository: Repository,
  { snapshot, warn }: { readonly snapshot: Snapshot; readonly warn: (message: string) => void },
): Promise<Omit<DescribedSnapshot, 'snapshot'>> {
  try {
    const record = isPhysical(snapshot) ? await loadPhysicalRecord(ctx, repository, snapshot) : undefined;
    return { record, dump: await loadDumpRecord(ctx, repository, snapshot) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error)) throw error;
    warn(`snapshot ${snapshot.id.slice(0, 8)}: ${error.message}`);
    return { record: undefined, dump: undefined };
  }
}

/** The object that `snapshots --json` prints; names as in restic, and what restic does not know beside them. */
export function snapshotFields(described: DescribedSnapshot): Record<string, unknown> {
  const { snapshot, record, dump } = described;
  const { id, time, parent, tree, paths, hostname, username, tags, programVersion } = snapshot;
  return {
    id,
    short_id: id.slice(0, 8),
    time: formatTimestamp(time),
    ...(parent === undefined ? {} : { parent }),
    tree,
    paths,
    hostname,
    username,
    tags,
    ...(programVersion === undefined ? {} : { program_version: programVersion }),
    kind: kindOf(snapshot),
    ...(sourceName(snapshot) === undefined ? {} : { source: sourceName(snapshot) }),
    ...(sizeOf(described) === undefined ? {} : { size_bytes: sizeOf(described) }),
    ...(record === undefined ? {} : { record }),
    ...(dump === undefined ? {} : dumpFields(dump)),
  };
}

/** Columns of the table: restic's, and of a physical snapshot source, size and where it is consistent. */
export const snapshotColumns: readonly Column<DescribedSnapshot>[] = [
  { title: 'ID', value: ({ snapshot }) => snapshot.id.slice(0, 8) },
  { title: 'Time', value: ({ snapshot }) => localTime(snapshot.time) },
  { title: 'Source', value: ({ snapshot }) => sourceName(snapshot) ?? snapshot.paths.join(' ') },
  { title: 'Kind', value: ({ snapshot }) => kindOf(snapshot) },
  { title: 'Host', value: ({ snapshot }) => snapshot.hostname },
  {
    title: 'Size',
    align: 'right',
    value: (described) => {
      const size = sizeOf(described);
      return size === undefined ? '' : formatBytes(size);
    },
  },
  {
    title: 'Restores from',
    value: ({ record, dump }) => {
      const moment = record?.stopTime ?? dump?.snapshotTime;
      return moment === undefined ? '' : localTime(dateTime(moment));
    },
  },
  { title: 'Tags', value: ({ snapshot }) => snapshot.tags.filter((tag) => !ownTag.test(tag)).join(',') },
  { title: 'Remarks', value: remarks },
];

function remarks({ record, dump }: DescribedSnapshot): string {
  if (record === undefined) return dump === undefined ? '' : dumpRemarks(dump).join(', ');
  const { pages, fromStandby } = record;
  return [fromStandby ? 'from a standby' : '', pages.badCount > 0 ? `${pages.badCount} BAD PAGES` : '']
    .filter((text) => text !== '')
    .join(', ');
}

function kindOf({ tags }: Snapshot): string {
  return tags.find((tag) => tag.startsWith('kind:'))?.slice('kind:'.length) ?? 'files';
}

function sourceName({ tags }: Snapshot): string | undefined {
  return tags.find((tag) => tag.startsWith('source:'))?.slice('source:'.length);
}

function sizeOf({ snapshot, record, dump }: DescribedSnapshot): number | undefined {
  return record?.sizeBytes ?? dump?.sizeBytes ?? snapshot.summary?.totalBytesProcessed;
}

function dateTime(text: string): Timestamp {
  return { ns: BigInt(Date.parse(text)) * 1_000_000n, offsetMinutes: 0 };
}

function localTime({ ns }: Timestamp): string {
  return formatLocalTime(new Date(Number(ns / 1_000_000n)));
}
