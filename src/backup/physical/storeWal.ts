import { closeSync, lstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { loadAccountNames } from '../../archiver/accountNames.ts';
import { nodeFromStat } from '../../archiver/statNode.ts';
import { OperationError, assert, systemErrorCode } from '../../base/errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import {
  parseTimelineHistory,
  timelineAncestry,
  timelineHistoryFileName,
  type TimelineAncestry,
  type TimelineId,
} from '../../postgres/timeline.ts';
import { checkWalSegmentHead, longHeaderBytes } from '../../postgres/walPage.ts';
import { segmentNamesAlong, type WalSegmentName } from '../../postgres/walSegment.ts';
import { planRanges } from '../../repository/rangePlan.ts';
import type { Upload } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import { checksumOf, type ClusterFile } from './clusterTree.ts';
import { fileCrc } from './storeCluster.ts';

export interface WalOfBackup {
  readonly walDirectory: string;
  readonly begin: Lsn;
  readonly end: Lsn;
  readonly ancestry: TimelineAncestry;
  readonly walSegmentBytes: number;
  readonly systemIdentifier: SystemIdentifier;
}

/** WAL is stored in large chunks: nothing in it repeats, and stock restic restores it whole. */
const walChunkBytes = 1024 * 1024;

/**
 * Stores the WAL between begin and end of a backup, and the timeline history, from the server's pg_wal: with them a
 * restored directory becomes consistent without any archive. Throws `wal-missing`.
 */
export async function storeWal(upload: Upload, wal: WalOfBackup): Promise<ClusterFile[]> {
  const names = [...segmentNamesAlong(wal.ancestry, { begin: wal.begin, end: wal.end }, wal.walSegmentBytes)];
  const accounts = loadAccountNames();
  const files = names.map((name) => {
    const path = join(wal.walDirectory, name);
    checkSegment(path, name, wal);
    return { name, path: Buffer.from(path), stat: lstatSync(path, { bigint: true }) };
  });
  const { plan, spans } = planRanges(
    files.map(({ path }) => ({ path, sizeBytes: wal.walSegmentBytes })),
    Math.min(walChunkBytes, wal.walSegmentBytes),
  );
  await upload.storeRanges(plan);
  assert(
    plan.outcomes.every((outcome) => outcome === 1),
    'WAL that a slot holds back does not vanish',
  );
  const stored = files.map(({ name, stat }, index): ClusterFile => {
    const { firstChunk, chunkCount } = spans[index]!;
    const end = firstChunk + chunkCount;
    const chunkCrcs = plan.crcs.subarray(firstChunk, end);
    return {
      path: `pg_wal/${name}`,
      attributes: nodeFromStat(Buffer.from(name), stat, accounts),
      sizeBytes: wal.walSegmentBytes,
      content: BlobList.fromPacked(plan.ids.subarray(firstChunk * 32, end * 32)),
      crc: fileCrc(chunkCrcs, { sizeBytes: wal.walSegmentBytes, chunkBytes: plan.chunkBytes }),
      chunkCrcs,
    };
  });
  return [...stored, ...(await storeHistory(upload, wal))];
}

/** Reads where the timelines of a server branched off, from its pg_wal. */
export function readAncestry(walDirectory: string, timeline: TimelineId): TimelineAncestry {
  if (Number(timeline) === 1) return timelineAncestry(timeline, []);
  const name = timelineHistoryFileName(timeline);
  try {
    return timelineAncestry(timeline, parseTimelineHistory(timeline, readFileSync(join(walDirectory, name), 'utf8')));
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
    throw new OperationError('wal-missing', `${name} is not in ${walDirectory}`, {
      hint: 'copy it there from the WAL archive: the server is on that timeline and must have it',
      cause,
    });
  }
}

async function storeHistory(upload: Upload, wal: WalOfBackup): Promise<ClusterFile[]> {
  const timeline = wal.ancestry.at(-1)!.timeline;
  if (Number(timeline) === 1) return [];
  const name = timelineHistoryFileName(timeline);
  const path = join(wal.walDirectory, name);
  const bytes = readFileSync(path);
  const id = await upload.saveBlob('data', bytes);
  const attributes = nodeFromStat(Buffer.from(name), lstatSync(path, { bigint: true }), loadAccountNames());
  return [
    {
      path: `pg_wal/${name}`,
      attributes,
      sizeBytes: bytes.length,
      content: BlobList.fromHex([id]),
      ...checksumOf(bytes),
    },
  ];
}

function checkSegment(path: string, name: WalSegmentName, wal: WalOfBackup): void {
  const head = Buffer.alloc(longHeaderBytes);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new OperationError('wal-missing', `WAL segment ${name}, which the backup needs, is not in pg_wal`, {
      hint: 'the server recycled it during the backup: give the backup user the REPLICATION attribute and a free slot',
      detail: { segment: name },
      cause,
    });
  }
  checkWalSegmentHead(head, { name, systemIdentifier: wal.systemIdentifier, segmentBytes: wal.walSegmentBytes });
}
