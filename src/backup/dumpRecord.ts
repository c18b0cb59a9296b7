import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseRecord, serializeRecord } from './recordJson.ts';

export const globalsFileName = 'globals.sql';

const time = z.iso.datetime({ precision: 3 });
const name = z.string();

/** A custom-format archive of pg_dump; `path` is below the directory of the source: `shop/data/public.events.dump`. */
const archive = z.object({ path: z.string(), sizeBytes: z.number() });

const table = z.object({
  schema: name,
  name,
  kind: z.enum(['table', 'partition', 'partitioned-table', 'materialized-view', 'foreign-table']),
  unlogged: z.boolean(),
  /** Null where the dump holds no rows of its own: kinds without, excluded data, `layout: single`. */
  archive: archive.nullable(),
  /** Whether the dump holds its rows, wherever they lie. */
  dataDumped: z.boolean(),
  /** Exact, counted in the snapshot of the dump; null when it could not be or need not be counted. */
  rows: z.number().nullable(),
  /** Content of all rows, whatever their order (`contentHashSql`); null where not computed. */
  contentHash: z.string().nullable(),
  /** Extension that owns the table; its dump holds what the extension calls configuration. */
  extension: name.nullable(),
});

const sequence = z.object({
  schema: name,
  name,
  /**
   * Read when the backup began. Sequences stand outside of every transaction: under load the dump may hold a later
   * value, never an earlier one. Decimal text. Null when the role may not read it: then it is `notCaptured`.
   */
  lastValue: z.string().nullable(),
  isCalled: z.boolean().nullable(),
  increment: z.string(),
  /** The table whose column owns it. */
  ownedBy: z.object({ schema: name, name }).nullable(),
});

const database = z.object({
  name,
  /** Its directory in the directory of the source. */
  directory: z.string(),
  owner: name,
  encoding: z.string(),
  collate: z.string().nullable(),
  ctype: z.string().nullable(),
  collationVersion: z.string().nullable(),
  /** With `layout: parts`. */
  preData: archive.nullable(),
  postData: archive.nullable(),
  largeObjects: archive.nullable(),
  /** Values of the sequences that no dumped table brings along. */
  sequenceValues: z.array(archive),
  /** With `layout: single`: the whole database. */
  whole: archive.nullable(),
  schemas: z.array(z.object({ name, owner: name })),
  tables: z.array(table),
  sequences: z.array(sequence),
  largeObjectCount: z.number(),
  extensions: z.array(z.object({ name, version: z.string(), schema: name })),
  /** Versioned collations in use: where the restoring machine has other versions, order may differ. */
  collations: z.array(z.object({ schema: name, name, provider: z.string(), version: z.string() })),
  constraints: z.array(z.object({ schema: name, table: name, name, definition: z.string(), validated: z.boolean() })),
  policies: z.array(
    z.object({
      schema: name,
      table: name,
      name,
      command: z.string(),
      permissive: z.boolean(),
      roles: z.array(name),
      using: z.string().nullable(),
      check: z.string().nullable(),
    }),
  ),
  /** Tables whose row security is on, `forced` for their owner too. */
  rowSecurity: z.array(z.object({ schema: name, table: name, forced: z.boolean() })),
  /** One entry an object (`table public.events`) with access rights other than its default; items as PostgreSQL's. */
  grants: z.array(z.object({ object: z.string(), acl: z.array(z.string()) })),
});

const role = z.object({
  name,
  superuser: z.boolean(),
  inherit: z.boolean(),
  createRole: z.boolean(),
  createDatabase: z.boolean(),
  login: z.boolean(),
  replication: z.boolean(),
  bypassRowSecurity: z.boolean(),
  memberOf: z.array(name),
});

const notCaptured = z.object({
  database: name.nullable(),
  /** What is not in the backup: `data of table public.secrets`. */
  what: z.string(),
  reason: z.string(),
  /** True where pg_dump never holds it or the configuration says so; false where a right was missing. */
  expected: z.boolean(),
});

const filters = z.object({
  databases: z.array(z.string()),
  schemas: z.array(z.string()),
  excludeSchemas: z.array(z.string()),
  tables: z.array(z.string()),
  excludeTables: z.array(z.string()),
  excludeTableData: z.array(z.string()),
});

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('dump'),
  source: z.string(),
  layout: z.enum(['parts', 'single']),
  startTime: time,
  /** Everything committed by then is in the dump: just before the first of the snapshots, one for each database. */
  snapshotTime: time,
  stopTime: time,
  /** Null when the role may not ask. */
  systemIdentifier: z.string().nullable(),
  /** `server_version_num`, e.g. 150018. */
  serverVersion: z.number(),
  serverVersionText: z.string(),
  /** Of the pg_dump that wrote the archives; pg_restore must not be of an older major. */
  dumpVersionText: z.string(),
  fromStandby: z.boolean(),
  /** As configured; patterns of pg_dump. All empty: everything. */
  filters,
  /** Null: not wanted. Without `passwords`, roles have to be given new ones after a restore. */
  globals: z.object({ path: z.string(), sizeBytes: z.number(), passwords: z.boolean() }).nullable(),
  roles: z.array(role),
  tablespaces: z.array(name),
  /** Settings of the server that objects of the dump may need: preloaded libraries and the like. */
  settings: z.record(z.string(), z.string()),
  databases: z.array(database),
  notCaptured: z.array(notCaptured),
  /** Of all archives and globals. */
  sizeBytes: z.number(),
});

/** Facts about a logical backup, stored as `understudy.json` in its snapshot. Times in UTC. */
export type DumpRecord = z.infer<typeof schema>;
export type DumpedDatabase = DumpRecord['databases'][number];
export type DumpedTable = DumpedDatabase['tables'][number];
export type DumpedSequence = DumpedDatabase['sequences'][number];
export type DumpArchive = z.infer<typeof archive>;
export type NotCaptured = DumpRecord['notCaptured'][number];
export type DumpFilters = z.infer<typeof filters>;

export function serializeDumpRecord(record: DumpRecord): Buffer {
  return serializeRecord(schema, record);
}

/** Reads a record; throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parseDumpRecord(json: Buffer): DumpRecord {
  return parseRecord(schema, json);
}

const longestPart = 100;

/**
 * A name of PostgreSQL as part of a file name: `/`, `.`, `%`, `~` and control bytes percent-encoded, so that parts can
 * be joined by dots and no name collides with ours; a very long one is cut and told apart by its hash.
 */
export function fileNamePart(objectName: string): string {
  const encoded = objectName.replaceAll(
    // eslint-disable-next-line no-control-regex -- control bytes are what must not get into a file name
    /[/.%~\u0000-\u001f\u007f]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  if (Buffer.byteLength(encoded) <= longestPart) return encoded;
  const hash = createHash('sha256').update(objectName).digest('hex').slice(0, 16);
  return `${Buffer.from(encoded)
    .subarray(0, longestPart - 17)
    .toString('utf8')
    .replace(/\ufffd+$/, '')}~${hash}`;
}

/** `<database>/data/<schema>.<table>.dump`. Written paths are in the record; read them there. */
export function tableArchivePath(directory: string, of: { readonly schema: string; readonly name: string }): string {
  return `${directory}/data/${fileNamePart(of.schema)}.${fileNamePart(of.name)}.dump`;
}

/**
 * Expression for `contentHash` over the rows of a relation with this alias: the sum of a 64-bit hash of each row's
 * text. Needs `contentHashSettings` in the session, and gives the same on every major from 13 on.
 */
export function contentHashSql(alias: string): string {
  return `coalesce(sum(pg_catalog.hashtextextended(ROW(${alias}.*)::text COLLATE "C", 0)::numeric), 0)::text`;
}

/** Settings that the text of a row depends on. */
export const contentHashSettings: Readonly<Record<string, string>> = {
  search_path: '',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  row_security: 'off',
};
