import { z } from 'zod';
import { parseRecord, serializeRecord } from './recordJson.ts';

/** The tree of the files in a snapshot of kind `files`, beside the record: their absolute paths below it. */
export const filesDirectoryName = 'files';

const time = z.iso.datetime({ precision: 3 });

/** How many there were, and the first of them. Paths as text: bytes that are not UTF-8 show as U+FFFD. */
const told = <Item extends z.ZodType>(item: Item) => z.object({ count: z.number(), first: z.array(item) });

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('files'),
  source: z.string(),
  /** Snapshot that unchanged files were taken from. */
  parent: z.string().nullable(),
  startTime: time,
  stopTime: time,
  /** `incomplete`: something is not in the snapshot that should be. */
  outcome: z.enum(['complete', 'incomplete']),
  /** The directory that all paths have in common: what a restore to another place puts there. */
  base: z.string(),
  /** Absolute, as configured; those that were there. */
  paths: z.array(z.string()),
  missing: z.array(z.string()),
  missingOptional: z.array(z.string()),
  exclude: z.array(z.string()),
  excludeFiles: z.array(z.string()),
  excludeCaches: z.boolean(),
  oneFileSystem: z.boolean(),
  /** What was left out by these; a directory counts once. */
  excluded: z.number(),
  /** Links among the paths, of which only the link itself is here, and not what it leads to. */
  links: z.array(z.string()).default([]),
  unreadable: told(z.object({ path: z.string(), error: z.string() })),
  /** Written to each time they were read: the content may be of no single moment. */
  changed: told(z.string()),
  /** Gone between listing and reading. */
  vanished: told(z.string()),
  secrets: z.object({
    patterns: z.array(z.string()),
    /** The snapshot holds them with mode 0600. */
    files: told(z.string()),
    /** Those of them that others than their owner could read; octal. */
    exposed: told(z.object({ path: z.string(), mode: z.string() })),
  }),
  files: z.object({ total: z.number(), new: z.number(), changed: z.number(), unmodified: z.number() }),
  directories: z.number(),
  sizeBytes: z.number(),
});

/** Facts about a backup of files, stored as `understudy.json` in its snapshot. */
export type FilesRecord = z.infer<typeof schema>;

export function serializeFilesRecord(record: FilesRecord): Buffer {
  return serializeRecord(schema, record);
}

/** Throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parseFilesRecord(json: Buffer): FilesRecord {
  return parseRecord(schema, json);
}
