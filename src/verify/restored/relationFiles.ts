import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import type { ControlFile } from '../../postgres/controlFile.ts';
import { toLsn } from '../../postgres/lsn.ts';
import { createPageScanner } from '../../postgres/pageScan.ts';
import { parseRelationPath, type RelationFile } from '../../postgres/relationFile.ts';
import type { SqlRow } from '../../postgres/sqlConnection.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import type { RestoredCluster } from './restoredCluster.ts';

/** Every table, index, sequence and TOAST table of every database has its file. */
export async function checkFilesPresent(ctx: Context, cluster: RestoredCluster): Promise<Outcome> {
  const missing: string[] = [];
  let count = 0n;
  for (const database of await cluster.openDatabases(ctx)) {
    const rows = await cluster.session(ctx, database, (sql) =>
      sql.query<SqlRow & { name: string; path: string; present: boolean }>(`
        SELECT c.oid::pg_catalog.regclass::pg_catalog.text AS name, pg_catalog.pg_relation_filepath(c.oid) AS path,
               (pg_catalog.pg_stat_file(pg_catalog.pg_relation_filepath(c.oid), true)).size IS NOT NULL AS present
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind IN ('r', 'i', 'm', 't', 'S') AND c.relpersistence <> 't'
           AND pg_catalog.pg_relation_filepath(c.oid) IS NOT NULL`),
    );
    count += BigInt(rows.length);
    for (const { name, path, present } of rows) if (!present) missing.push(`${database}: ${name}: ${path} is missing`);
  }
  return judge(missing, { actual: `${count} relations` });
}

/** What PostgreSQL itself counted while everything was read. Without data checksums it counts nothing. */
export async function checkFailureCounters(ctx: Context, cluster: RestoredCluster): Promise<Outcome> {
  const rows = await cluster.session(ctx, undefined, (sql) =>
    sql.query<SqlRow & { name: string; failures: bigint }>(`
      SELECT coalesce(datname, 'shared relations')::pg_catalog.text AS name, checksum_failures AS failures
        FROM pg_catalog.pg_stat_database WHERE checksum_failures > 0`),
  );
  return judge(rows.map(({ name, failures }) => `${name}: ${failures} checksum failures`));
}

export interface PageScanOptions {
  readonly dataDirectory: string;
  readonly control: ControlFile;
  /** Where a path that the server saw lies for us. */
  readonly outside: (path: string) => string;
  readonly progress: Progress;
}

const highestLsn = toLsn(0xffff_ffff_ffff_ffffn);
const readBytes = 1024 * 1024;
const reportBytes = 16 * readBytes;

/**
 * Verifies the checksum (or, without data checksums, the header) of every page of every relation on disk, indexes of
 * all kinds included. The server must have been shut down cleanly.
 */
export async function scanPages(ctx: Context, options: PageScanOptions): Promise<Outcome> {
  const { control, progress } = options;
  const files = [...relationFiles(options)];
  const checksums = control.dataChecksumVersion !== 0;
  progress.phase('verifying pages', { bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
  const scanner = createPageScanner({ arenaBytes: readBytes });
  const wrong: string[] = [];
  let pages = 0;
  let unreported = 0;
  for (const { path, absolutePath, relation } of files) {
    let firstBlock = relation.segment * control.relationSegmentBlocks;
    for (const lengthBytes of readInto(scanner.buffer, absolutePath)) {
      const scan = scanner.scan({
        lengthBytes,
        firstBlock,
        startLsn: highestLsn,
        checksums,
        blockSize: control.blockBytes,
      });
      for (const block of scan.badBlocks) wrong.push(`${path}: page ${block} has a wrong checksum`);
      for (const block of scan.invalidBlocks) wrong.push(`${path}: page ${block} has an impossible header`);
      if (scan.tailBytes > 0) wrong.push(`${path}: it ends in the middle of a page`);
      firstBlock += scan.pages;
      pages += scan.pages;
      unreported += lengthBytes;
      if (unreported < reportBytes) continue;
      progress.advance({ bytes: unreported });
      unreported = 0;
      await ctx.clock.sleep(0, ctx.signal); // locks are refreshed, and somebody may have pressed Ctrl-C
    }
  }
  progress.advance({ bytes: unreported });
  const actual = `${pages} pages in ${files.length} files${checksums ? '' : '; headers only: the cluster has no data checksums'}`;
  return judge(wrong, { actual });
}

/** Fills the buffer again and again; yields how much is in it. */
function* readInto(buffer: Buffer, path: string): Generator<number> {
  const fd = openSync(path, 'r');
  try {
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) yield bytes;
  } finally {
    closeSync(fd);
  }
}

interface FoundFile {
  readonly path: string;
  readonly absolutePath: string;
  readonly sizeBytes: number;
  readonly relation: RelationFile;
}

function* relationFiles({ dataDirectory, outside }: PageScanOptions): Generator<FoundFile> {
  for (const top of ['global', 'base', 'pg_tblspc']) yield* below(join(dataDirectory, top), top);

  function* below(directory: string, prefix: string): Generator<FoundFile> {
    for (const name of readdirSync(directory)) {
      const path = `${prefix}/${name}`;
      const entry = join(directory, name);
      const linked = lstatSync(entry).isSymbolicLink();
      const absolutePath = linked ? outside(readlinkSync(entry)) : entry;
      const stat = statSync(absolutePath);
      if (stat.isDirectory()) yield* below(absolutePath, path);
      const relation = stat.isFile() ? parseRelationPath(path) : undefined;
      if (relation !== undefined && !relation.temporary) yield { path, absolutePath, sizeBytes: stat.size, relation };
    }
  }
}
