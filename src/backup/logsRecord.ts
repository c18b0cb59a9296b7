import { z } from 'zod';
import { parseRecord, serializeRecord } from './recordJson.ts';

/** The directory with the pieces in a snapshot of logs, beside the record. */
export const logsDirectoryName = 'logs';

const time = z.iso.datetime({ precision: 3 });

const log = z.object({
  name: z.string(),
  /** In the snapshot. One after the other, in the order of their names, they are what was written. */
  pieces: z.int(),
  sizeBytes: z.int(),
  /** When the first and the last piece ended. */
  first: time,
  last: time,
});

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('logs'),
  source: z.string(),
  directory: z.string(),
  files: z.array(z.string()),
  method: z.enum(['rename', 'copy-truncate']),
  /** Snapshot from which the pieces that are not new were taken over. */
  parent: z.string().nullable(),
  startTime: time,
  stopTime: time,
  /** Pieces that ended longer ago than this are in no new snapshot. */
  keepMs: z.int(),
  logs: z.array(log),
  /** Pieces that came with this snapshot. */
  added: z.array(z.object({ name: z.string(), sizeBytes: z.int() })),
  /** What could not be rotated or is still written to; it comes with a later snapshot. */
  problems: z.array(z.string()),
});

/** Facts about a backup of logs, stored as `understudy.json` in its snapshot. Times in UTC. */
export type LogsRecord = z.infer<typeof schema>;

export function serializeLogsRecord(record: LogsRecord): Buffer {
  return serializeRecord(schema, record);
}

/** Throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parseLogsRecord(json: Buffer): LogsRecord {
  return parseRecord(schema, json);
}
