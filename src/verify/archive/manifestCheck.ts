import type { BackupManifest, ManifestFileEntry } from '../../postgres/parseBackupManifest.ts';
import { backupManifestPath } from '../../postgres/backupManifest.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { PhysicalRecord } from '../../backup/physicalRecord.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import type { ClusterFiles } from './clusterFiles.ts';

export interface ManifestEvidence {
  readonly manifest: BackupManifest;
  readonly files: ClusterFiles;
  readonly record: PhysicalRecord;
  /** CRC-32C of the files that were read, by path. */
  readonly crcs: ReadonlyMap<string, number>;
}

/**
 * Compares the files of a snapshot with the manifest that was made with them, as pg_verifybackup does: none missing,
 * none too many, sizes and checksums equal; and the manifest with the record.
 */
export function checkManifest(evidence: ManifestEvidence): Outcome {
  const { manifest, files, record, crcs } = evidence;
  const wrong = checkHead(manifest, record);
  const listed = new Set<string>();
  let compared = 0;
  for (const entry of manifest.files()) {
    const path = Buffer.from(entry.path as Uint8Array).toString('latin1');
    listed.add(path);
    const problem = checkEntry(entry, path, evidence);
    if (problem !== undefined) wrong.push(`${shown(path)} ${problem}`);
    if (crcs.has(path) && entry.crc32c !== undefined) compared++;
  }
  for (const path of files.keys()) {
    if (!listed.has(path) && !isOutside(path)) wrong.push(`${shown(path)} is in the snapshot and not in the manifest`);
  }
  const actual = `${files.size} files, ${compared} checksums compared`;
  return judge(wrong, { expected: `${listed.size} files of the manifest`, actual });
}

function checkEntry(entry: ManifestFileEntry, path: string, { files, crcs }: ManifestEvidence): string | undefined {
  const node = files.get(path);
  if (node === undefined) return 'is missing';
  if (node.size !== BigInt(entry.sizeBytes)) return `has ${node.size} bytes instead of ${entry.sizeBytes}`;
  const crc = crcs.get(path);
  if (crc !== undefined && entry.crc32c !== undefined && crc !== entry.crc32c) return 'has another checksum';
  return undefined;
}

function checkHead({ systemIdentifier, walRanges }: BackupManifest, record: PhysicalRecord): string[] {
  const wrong: string[] = [];
  if (systemIdentifier !== undefined && String(systemIdentifier) !== record.systemIdentifier) {
    wrong.push(`the manifest is of cluster ${systemIdentifier}, the record of ${record.systemIdentifier}`);
  }
  const begin = walRanges.at(-1)?.begin;
  const end = walRanges[0]?.end;
  const range = `${begin === undefined ? '?' : formatLsn(begin)} to ${end === undefined ? '?' : formatLsn(end)}`;
  if (range !== `${record.startLsn} to ${record.stopLsn}`) {
    wrong.push(`the manifest says WAL ${range}, the record ${record.startLsn} to ${record.stopLsn}`);
  }
  return wrong;
}

/** What a manifest does not list: itself and WAL. */
function isOutside(path: string): boolean {
  return path === backupManifestPath || path.startsWith('pg_wal/');
}

function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString();
}
