import { z } from 'zod';
import { parseRecord, serializeRecord } from './recordJson.ts';

/** The data directory in a physical snapshot, beside the record. */
export const dataDirectoryName = 'pgdata';

const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const time = z.iso.datetime({ precision: 3 });

const database = z.object({
  oid: z.number(),
  name: z.string(),
  collation: z.string().nullable(),
  collationVersion: z.string().nullable(),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
});

const tablespace = z.object({
  oid: z.number(),
  name: z.string(),
  /** Where the source had it; empty for an in-place tablespace. */
  location: z.string(),
  inPlace: z.boolean(),
});

const badPage = z.object({ path: z.string(), block: z.number() });

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('postgres'),
  source: z.string(),
  method: z.enum(['files', 'stream']),
  /** True when every byte of the source was read and hashed, nothing taken over from the parent. */
  rehashed: z.boolean(),
  /** When a backup of this line last did so. */
  rehashedTime: time,
  /** Snapshot that unchanged files and pages were taken from. */
  parent: z.string().nullable(),
  systemIdentifier: z.string().regex(/^\d+$/),
  serverVersion: z.number(),
  serverVersionText: z.string(),
  catalogVersion: z.number(),
  timeline: z.number(),
  startLsn: lsn,
  stopLsn: lsn,
  /** When the backup session began; files modified since then are never taken for unchanged. */
  startTime: time,
  stopTime: time,
  fromStandby: z.boolean(),
  walSegmentBytes: z.number(),
  blockBytes: z.number(),
  blocksPerSegment: z.number(),
  /** Size of the fixed chunks of all files. */
  chunkBytes: z.number(),
  dataChecksums: z.boolean(),
  pages: z.object({
    /** Pages whose checksum was verified now (not those of files taken over from the parent). */
    verified: z.number(),
    badCount: z.number(),
    /** The first of them. */
    bad: z.array(badPage),
  }),
  files: z.object({ total: z.number(), changed: z.number(), vanished: z.number(), shrunk: z.number() }),
  sizeBytes: z.number(),
  /** WAL in the snapshot: names of segments and history files in `pg_wal/`. */
  wal: z.array(z.string()),
  /** Settings that recovery needs at least as large (and that a sandbox must take over). */
  settings: z.record(z.string(), z.string()),
  databases: z.array(database),
  tablespaces: z.array(tablespace),
  /** Files that the cluster needs and that are not in its data directory (Debian's /etc/postgresql). */
  externalFiles: z.array(z.string()),
});

/** Facts about a physical backup, stored as `understudy.json` in its snapshot. LSNs as text, times in UTC. */
export type PhysicalRecord = z.infer<typeof schema>;

export function serializePhysicalRecord(record: PhysicalRecord): Buffer {
  return serializeRecord(schema, record);
}

/** Reads a record; throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parsePhysicalRecord(json: Buffer): PhysicalRecord {
  return parseRecord(schema, json);
}
