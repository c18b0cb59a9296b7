import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { assert } from '../base/errors.ts';
import { formatLsn, type Lsn } from './lsn.ts';
import type { SystemIdentifier } from './systemIdentifier.ts';
import { timelineAt, type TimelineAncestry, type TimelineId } from './timeline.ts';
import { versionFacts, type PostgresMajor } from './version.ts';
import type { LsnRange } from './walSegment.ts';

/** Name of the file, at the top of the data directory, that pg_verifybackup checks a backup against. */
export const backupManifestPath = 'backup_manifest';

/** One file of the backup. The manifest itself, pg_wal and excluded files have none. */
export interface ManifestFile {
  /** Relative to the data directory, with slashes; bytes where the name is not valid UTF-8. */
  readonly path: string | Uint8Array;
  readonly sizeBytes: number;
  /** Unix time in milliseconds. */
  readonly modifiedMs: number;
  /** CRC-32C of the whole content; absent: the content is not vouched for. */
  readonly crc32c?: number;
}

/** WAL that a restored server must replay to become consistent. */
export interface ManifestWalRange extends LsnRange {
  readonly timeline: TimelineId;
}

export interface ManifestDescription {
  readonly major: PostgresMajor;
  readonly systemIdentifier: SystemIdentifier;
  /** Newest timeline first; see `manifestWalRanges`. */
  readonly walRanges: readonly ManifestWalRange[];
}

/** Bytes in one piece of a manifest as it is written: a million files never stand in memory as one text. */
const pieceBytes = 256 * 1024;

/** The ranges of WAL between begin and end of a backup, one for each timeline on the way, newest first. */
export function manifestWalRanges(ancestry: TimelineAncestry, { begin, end }: LsnRange): ManifestWalRange[] {
  assert(begin < end, 'a backup ends after it began');
  const first = timelineAt(ancestry, begin);
  return ancestry
    .filter((span) => span.begin >= first.begin && span.begin < end)
    .map((span) => ({
      timeline: span.timeline,
      begin: later(span.begin, begin),
      end: span.end === undefined || span.end > end ? end : span.end,
    }))
    .toReversed();
}

/**
 * Writes a backup manifest in pieces, byte for byte as PostgreSQL of that version does (backup_manifest.c), with
 * CRC-32C checksums. `files` is read once, in the order of the manifest.
 */
export function* formatBackupManifest(
  description: ManifestDescription,
  files: Iterable<ManifestFile>,
): Generator<Buffer, void> {
  const hash = createHash('sha256');
  let text = opening(description);
  let separator = '\n';
  for (const file of files) {
    text += separator + formatFile(file);
    separator = ',\n';
    if (text.length >= pieceBytes) {
      yield* hashed(text);
      text = '';
    }
  }
  text += `\n],\n"WAL-Ranges": [\n${description.walRanges.map(formatRange).join(',\n')}\n],\n`;
  yield* hashed(text);
  yield Buffer.from(`"Manifest-Checksum": "${hash.digest('hex')}"}\n`);

  function* hashed(piece: string): Generator<Buffer, void> {
    const bytes = Buffer.from(piece);
    hash.update(bytes);
    yield bytes;
  }
}

/** A CRC-32C as manifests print it: the bytes of the number as they lie in memory, in hexadecimal. */
export function formatManifestCrc(crc: number): string {
  const swapped = ((crc & 0xff) << 24) | ((crc & 0xff00) << 8) | ((crc >>> 8) & 0xff00) | (crc >>> 24);
  return (swapped >>> 0).toString(16).padStart(8, '0');
}

function opening({ major, systemIdentifier }: ManifestDescription): string {
  const version = versionFacts(major).manifestVersion;
  const owner = version === 2 ? `"System-Identifier": ${systemIdentifier},\n` : '';
  return `{ "PostgreSQL-Backup-Manifest-Version": ${version},\n${owner}"Files": [`;
}

function formatFile({ path, sizeBytes, modifiedMs, crc32c }: ManifestFile): string {
  const time = new Date(modifiedMs).toISOString();
  const checksum =
    crc32c === undefined ? '' : `, "Checksum-Algorithm": "CRC32C", "Checksum": "${formatManifestCrc(crc32c)}"`;
  return (
    `{ ${formatPath(path)}, "Size": ${sizeBytes}, ` +
    `"Last-Modified": "${time.slice(0, 10)} ${time.slice(11, 19)} GMT"${checksum} }`
  );
}

function formatPath(path: string | Uint8Array): string {
  if (typeof path === 'string') return `"Path": ${JSON.stringify(path)}`;
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  if (isUtf8(bytes)) return `"Path": ${JSON.stringify(bytes.toString('utf8'))}`;
  return `"Encoded-Path": "${bytes.toString('hex')}"`;
}

function formatRange({ timeline, begin, end }: ManifestWalRange): string {
  return `{ "Timeline": ${timeline}, "Start-LSN": "${formatLsn(begin)}", "End-LSN": "${formatLsn(end)}" }`;
}

function later(one: Lsn, other: Lsn): Lsn {
  return one > other ? one : other;
}
