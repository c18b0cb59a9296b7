import type { Lsn } from './lsn.ts';
import type { PostgresMajor } from './version.ts';
import type { WalRecord } from './walReader.ts';

/** A record at which recovery can stop because of its time, its transaction or its name. */
export type WalEvent = TransactionEnd | RestorePoint;

interface Place {
  readonly begin: Lsn;
  readonly end: Lsn;
  /** Microseconds since 1970, by the clock of the server that wrote it. */
  readonly timeUs: bigint;
}

export interface TransactionEnd extends Place {
  readonly kind: 'commit' | 'abort';
  /** 32 bits, without epoch. */
  readonly xid: number;
}

/** From pg_create_restore_point(). */
export interface RestorePoint extends Place {
  readonly kind: 'restore-point';
  readonly name: string;
}

const postgresEpochUs = 946_684_800_000_000n;
const xlogManager = 0;
const transactionManager = 1;
const restorePoint = 0x70;
const hasInfo = 0x80;
const restorePointNameBytes = 64;
const recordHeaderBytes = 24;

/** Kinds of the end of a transaction by the operation bits of the record. */
const transactionEnds: Readonly<Record<number, { readonly kind: 'commit' | 'abort'; readonly prepared: boolean }>> = {
  0x00: { kind: 'commit', prepared: false },
  0x20: { kind: 'abort', prepared: false },
  0x30: { kind: 'commit', prepared: true },
  0x40: { kind: 'abort', prepared: true },
};

/** What a record means to recovery targets; undefined for the great majority. */
export function walEventOf(record: WalRecord, major: PostgresMajor): WalEvent | undefined {
  const { bytes, begin, end } = record;
  const info = bytes[16]!;
  const manager = bytes[17]!;
  if (manager === xlogManager && (info & 0xf0) === restorePoint) {
    const main = mainData(bytes);
    if (main === undefined || main.length < 8 + restorePointNameBytes) return undefined;
    const text = main.subarray(8, 8 + restorePointNameBytes);
    const name = text.toString('utf8', 0, Math.max(0, text.indexOf(0)));
    return { kind: 'restore-point', begin, end, timeUs: timeAt(main), name };
  }
  const ending = manager === transactionManager ? transactionEnds[info & 0x70] : undefined;
  const main = ending === undefined ? undefined : mainData(bytes);
  if (ending === undefined || main === undefined || main.length < 8) return undefined;
  const own = bytes.readUInt32LE(4);
  const xid = ending.prepared && (info & hasInfo) !== 0 ? preparedXid(main, ending.kind, major) : own;
  return { kind: ending.kind, begin, end, timeUs: timeAt(main), xid: xid ?? own };
}

function timeAt(main: Buffer): bigint {
  return main.readBigInt64LE(0) + postgresEpochUs;
}

/** The data at a record's end that belongs to no block; undefined for records with blocks. */
export function mainData(record: Buffer): Buffer | undefined {
  for (let at = recordHeaderBytes; at < record.length;) {
    const id = record[at]!;
    if (id === 253)
      at += 3; // replication origin
    else if (id === 252)
      at += 5; // transaction at the top level
    else if (id === 255) return tail(record, record[at + 1]!);
    else if (id === 254) return tail(record, record.readUInt32LE(at + 1));
    else return undefined;
  }
  return undefined;
}

function tail(record: Buffer, length: number): Buffer {
  return record.subarray(record.length - length);
}

/** Which parts follow in the data of a commit or abort (access/xact.h). */
const xinfo = {
  database: 0x01,
  subtransactions: 0x02,
  relations: 0x04,
  invalidations: 0x08,
  prepared: 0x10,
  statistics: 0x100,
};

/** The transaction that COMMIT PREPARED or ROLLBACK PREPARED ended; the record's own is another one. */
function preparedXid(main: Buffer, kind: 'commit' | 'abort', major: PostgresMajor): number | undefined {
  const parts = main.readUInt32LE(8);
  let at = 12;
  const skipList = (itemBytes: number): void => {
    at += 4 + main.readUInt32LE(at) * itemBytes;
  };
  if ((parts & xinfo.database) !== 0) at += 8;
  if ((parts & xinfo.subtransactions) !== 0) skipList(4);
  if ((parts & xinfo.relations) !== 0) skipList(12);
  if ((parts & xinfo.statistics) !== 0) skipList(major >= 18 ? 16 : 12);
  if (kind === 'commit' && (parts & xinfo.invalidations) !== 0) skipList(16);
  return (parts & xinfo.prepared) !== 0 ? main.readUInt32LE(at) : undefined;
}
