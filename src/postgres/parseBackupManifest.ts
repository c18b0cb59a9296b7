import { createHash } from 'node:crypto';
import { OperationError } from '../base/errors.ts';
import type { ManifestFile, ManifestWalRange } from './backupManifest.ts';
import { parseLsn } from './lsn.ts';
import { parseSystemIdentifier, type SystemIdentifier } from './systemIdentifier.ts';
import { toTimelineId } from './timeline.ts';

/** A manifest whose own checksum is right. */
export interface BackupManifest {
  readonly version: 1 | 2;
  /** Only in version 2 (PostgreSQL 17 and later). */
  readonly systemIdentifier: SystemIdentifier | undefined;
  /** Newest timeline first. */
  readonly walRanges: readonly ManifestWalRange[];
  /** The files, read from the text one by one as they are asked for. Throws `backup-invalid`. */
  readonly files: () => Generator<ManifestFileEntry, void>;
}

/** `crc32c` is absent when the file has no checksum or one of another algorithm. */
export interface ManifestFileEntry extends ManifestFile {
  readonly checksumAlgorithm: string | undefined;
}

const filesBegin = '"Files": [\n';
const rangesBegin = '\n],\n"WAL-Ranges": [\n';
const checksumBegin = '\n],\n"Manifest-Checksum": "';

/**
 * Reads a manifest that PostgreSQL 13 to 18 wrote. Works on lines, one per file as PostgreSQL writes them, so that a
 * million files need no second copy in memory and the 64-bit identifier keeps all its digits. Throws `backup-invalid`
 * when the checksum is wrong or the text is not a manifest.
 */
export function parseBackupManifest(bytes: Buffer): BackupManifest {
  const checksumAt = bytes.lastIndexOf(checksumBegin);
  const rangesAt = bytes.lastIndexOf(rangesBegin, checksumAt);
  const filesAt = bytes.subarray(0, 200).indexOf(filesBegin);
  if (checksumAt < 0 || rangesAt < 0 || filesAt < 0) throw invalid('is not complete');
  checkChecksum(bytes, checksumAt + '\n],\n'.length);
  const ranges = bytes.toString('utf8', rangesAt + rangesBegin.length, checksumAt);
  const fileLines = bytes.subarray(filesAt + filesBegin.length, Math.max(rangesAt, filesAt + filesBegin.length));
  return {
    ...parseOpening(bytes.toString('utf8', 0, filesAt)),
    walRanges: ranges.split(',\n').map(parseRange),
    files: function* () {
      for (const line of linesOf(fileLines)) yield parseFile(line);
    },
  };
}

function checkChecksum(bytes: Buffer, lastLineAt: number): void {
  const said = /^"Manifest-Checksum": "([0-9a-f]{64})"\}\n$/.exec(bytes.toString('utf8', lastLineAt))?.[1];
  const found = createHash('sha256').update(bytes.subarray(0, lastLineAt)).digest('hex');
  if (said !== found) throw invalid('does not match its own checksum');
}

function parseOpening(text: string): Pick<BackupManifest, 'version' | 'systemIdentifier'> {
  const match = /^\{ "PostgreSQL-Backup-Manifest-Version": ([12]),\n(?:"System-Identifier": ([0-9]+),\n)?$/.exec(text);
  if (match === null) throw invalid('has an unknown version');
  return {
    version: match[1] === '1' ? 1 : 2,
    systemIdentifier: match[2] === undefined ? undefined : parseSystemIdentifier(match[2]),
  };
}

function* linesOf(bytes: Buffer): Generator<string, void> {
  for (let at = 0; at < bytes.byteLength;) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.byteLength : newline;
    yield bytes.toString('utf8', at, bytes[end - 1] === 0x2c ? end - 1 : end);
    at = end + 1;
  }
}

function parseRange(line: string): ManifestWalRange {
  const entry = parseJson(line);
  const timeline = entry['Timeline'];
  const begin = entry['Start-LSN'];
  const end = entry['End-LSN'];
  if (typeof timeline !== 'number' || typeof begin !== 'string' || typeof end !== 'string') throw invalidLine(line);
  return { timeline: toTimelineId(timeline), begin: parseLsn(begin), end: parseLsn(end) };
}

function parseFile(line: string): ManifestFileEntry {
  const entry = parseJson(line);
  const path = entry['Path'] ?? entry['Encoded-Path'];
  const sizeBytes = entry['Size'];
  const modified = entry['Last-Modified'];
  const algorithm = entry['Checksum-Algorithm'];
  if (typeof path !== 'string' || typeof sizeBytes !== 'number' || typeof modified !== 'string')
    throw invalidLine(line);
  if (algorithm !== undefined && typeof algorithm !== 'string') throw invalidLine(line);
  const file = {
    path: entry['Path'] === undefined ? Buffer.from(path, 'hex') : path,
    sizeBytes,
    modifiedMs: Date.parse(modified),
    checksumAlgorithm: algorithm,
  };
  return algorithm === 'CRC32C' ? { ...file, crc32c: parseCrc(entry['Checksum'], line) } : file;
}

function parseCrc(text: unknown, line: string): number {
  if (typeof text !== 'string' || !/^[0-9a-f]{8}$/.test(text)) throw invalidLine(line);
  return Buffer.from(text, 'hex').readUInt32LE(0);
}

function parseJson(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw invalidLine(line);
}

function invalidLine(line: string): OperationError {
  return invalid(`has the line '${line.slice(0, 200)}'`);
}

function invalid(problem: string): OperationError {
  return new OperationError('backup-invalid', `the backup manifest ${problem}`, {
    hint: 'was the file cut off or edited? the backup it came with must be verified in another way',
  });
}
