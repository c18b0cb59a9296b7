import { OperationError } from '../base/errors.ts';
import { crc32c } from './crc32c.ts';
import { toLsn, type Lsn } from './lsn.ts';
import { toSystemIdentifier, type SystemIdentifier } from './systemIdentifier.ts';
import { majorOfCatalogVersion, versionFacts, type PostgresMajor } from './version.ts';

/** Path of the control file inside a data directory. Copied last in a backup, put in place last in a restore. */
export const controlFilePath = 'global/pg_control';

/** Size of the file; the content fills less than its first 512 bytes. */
export const controlFileBytes = 8192;

/** In the words of pg_controldata. */
export const clusterStates = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;

export type ClusterState = (typeof clusterStates)[number];

export const walLevels = ['minimal', 'replica', 'logical'] as const;

export type WalLevel = (typeof walLevels)[number];

/** The latest checkpoint. */
export interface ControlFileCheckpoint {
  readonly location: Lsn;
  /** Where replay from this checkpoint begins. */
  readonly redo: Lsn;
  readonly timeline: number;
  readonly previousTimeline: number;
  readonly fullPageWrites: boolean;
  readonly time: Date;
}

/** Settings that a server recovering this cluster must not undercut if it is to answer queries meanwhile. */
export interface RecoveryLimits {
  readonly maxConnections: number;
  readonly maxWorkerProcesses: number;
  readonly maxWalSenders: number;
  readonly maxPreparedTransactions: number;
  readonly maxLocksPerTransaction: number;
}

/** What global/pg_control says about a cluster. An LSN or timeline of zero means "none", as in PostgreSQL. */
export interface ControlFile {
  readonly systemIdentifier: SystemIdentifier;
  readonly major: PostgresMajor;
  readonly controlVersion: number;
  readonly catalogVersion: number;
  readonly state: ClusterState;
  readonly updatedAt: Date;
  readonly checkpoint: ControlFileCheckpoint;
  readonly minRecoveryPoint: Lsn;
  readonly minRecoveryTimeline: number;
  readonly backupStart: Lsn;
  readonly backupEnd: Lsn;
  readonly backupEndRequired: boolean;
  readonly walLevel: WalLevel;
  readonly walLogHints: boolean;
  readonly trackCommitTimestamp: boolean;
  readonly limits: RecoveryLimits;
  readonly blockBytes: number;
  /** Blocks in one segment file of a relation (131072 = 1 GiB of 8 KiB blocks). */
  readonly relationSegmentBlocks: number;
  readonly walBlockBytes: number;
  readonly walSegmentBytes: number;
  /** 0: no data checksums. */
  readonly dataChecksumVersion: number;
}

/**
 * `torn`: the bytes are not a whole control file (short, or the CRC is wrong): while the server runs a read may meet a
 * write, so read it again; a stopped server's torn file is damaged.
 */
export type ControlFileReading =
  { readonly state: 'sound'; readonly controlFile: ControlFile } | { readonly state: 'torn' };

/** 13 to 17 end after the nonce at 256; 18 puts one more flag before it. All else lies at the same offsets. */
const crcOffsets: Readonly<Record<number, number>> = { 1300: 288, 1700: 288, 1800: 292 };

/** Reads a control file of PostgreSQL 13 to 18 (little-endian). Throws `postgres-unsupported` for other versions. */
export function parseControlFile(bytes: Uint8Array): ControlFileReading {
  if (bytes.byteLength < 16) return { state: 'torn' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const controlVersion = view.getUint32(8, true);
  const crcOffset = crcOffsets[controlVersion];
  if (crcOffset === undefined) throw unsupported(view);
  if (bytes.byteLength < crcOffset + 4) return { state: 'torn' };
  if (crc32c(bytes.subarray(0, crcOffset)) !== view.getUint32(crcOffset, true)) return { state: 'torn' };
  const major = majorOfCatalogVersion(view.getUint32(12, true));
  if (major === undefined || versionFacts(major).controlVersion !== controlVersion) throw unsupported(view);
  return { state: 'sound', controlFile: readFields(view, major) };
}

function readFields(view: DataView, major: PostgresMajor): ControlFile {
  return {
    systemIdentifier: toSystemIdentifier(view.getBigUint64(0, true)),
    major,
    controlVersion: view.getUint32(8, true),
    catalogVersion: view.getUint32(12, true),
    state: named(clusterStates, view, 16),
    updatedAt: time(view, 24),
    checkpoint: {
      location: lsn(view, 32),
      redo: lsn(view, 40),
      timeline: view.getUint32(48, true),
      previousTimeline: view.getUint32(52, true),
      fullPageWrites: flag(view, 56),
      time: time(view, 104),
    },
    minRecoveryPoint: lsn(view, 136),
    minRecoveryTimeline: view.getUint32(144, true),
    backupStart: lsn(view, 152),
    backupEnd: lsn(view, 160),
    backupEndRequired: flag(view, 168),
    walLevel: named(walLevels, view, 172),
    walLogHints: flag(view, 176),
    limits: {
      maxConnections: view.getInt32(180, true),
      maxWorkerProcesses: view.getInt32(184, true),
      maxWalSenders: view.getInt32(188, true),
      maxPreparedTransactions: view.getInt32(192, true),
      maxLocksPerTransaction: view.getInt32(196, true),
    },
    trackCommitTimestamp: flag(view, 200),
    blockBytes: view.getUint32(216, true),
    relationSegmentBlocks: view.getUint32(220, true),
    walBlockBytes: view.getUint32(224, true),
    walSegmentBytes: view.getUint32(228, true),
    dataChecksumVersion: view.getUint32(252, true),
  };
}

function lsn(view: DataView, offset: number): Lsn {
  return toLsn(view.getBigUint64(offset, true));
}

/** Seconds since 1970. */
function time(view: DataView, offset: number): Date {
  return new Date(Number(view.getBigInt64(offset, true)) * 1000);
}

function flag(view: DataView, offset: number): boolean {
  return view.getUint8(offset) !== 0;
}

function named<Name extends string>(names: readonly Name[], view: DataView, offset: number): Name {
  const name = names[view.getUint32(offset, true)];
  if (name === undefined) throw unsupported(view);
  return name;
}

function unsupported(view: DataView): OperationError {
  const controlVersion = view.getUint32(8, true);
  const catalogVersion = view.getUint32(12, true);
  return new OperationError(
    'postgres-unsupported',
    `pg_control has format ${controlVersion} and catalog version ${catalogVersion}, which is not supported`,
    {
      hint: 'supported are released versions of PostgreSQL 13 to 18 on little-endian machines; PG_VERSION names this one',
      detail: { controlVersion, catalogVersion },
    },
  );
}
