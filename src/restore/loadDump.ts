import { parseDumpRecord, type DumpArchive, type DumpedDatabase, type DumpRecord } from '../backup/dumpRecord.ts';
import { kindOf, loadRecordFile, sourceOf } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { fileContent } from '../snapshot/fileContent.ts';
import { findNode } from '../snapshot/findPath.ts';
import { snapshotSource, treeLoader } from '../snapshot/repositorySource.ts';
import { findSnapshot } from '../snapshot/snapshotSelector.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';
import { transactionTimeoutMajor } from './logical/restorePrograms.ts';

export interface DumpSelector {
  /** An id, the beginning of one, `latest` or `latest~1`. */
  readonly text: string;
  /** Whose dump `latest` is; needed where the repository holds dumps of several sources. */
  readonly source?: string | undefined;
}

const dumpTag = 'kind:dump';

/**
 * The logical backup that a selector names. Throws `not-found`, `ambiguous-id`, `usage` for a snapshot of another kind
 * or without a needed source, `repository-damaged`.
 */
export async function findDump(ctx: Context, repository: Repository, selector: DumpSelector): Promise<Dump> {
  const { text } = selector;
  const source = selector.source ?? (text.startsWith('latest') ? await onlySource(ctx, repository) : undefined);
  const tags = source === undefined ? [dumpTag] : [dumpTag, `source:${source}`];
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text, filter: { tags: [tags] } });
  if (kindOf(snapshot) !== 'dump') {
    throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} is no logical backup`, {
      hint: 'physical backups are restored with `understudy restore`, files with `understudy restore files`',
      detail: { snapshot: snapshot.id },
    });
  }
  return new Dump(repository, snapshot, parseDumpRecord(await loadRecordFile(ctx, repository, snapshot)));
}

/** A logical backup: what it holds, and the content of its archives. */
export class Dump {
  readonly snapshot: Snapshot;
  readonly record: DumpRecord;
  readonly #repository: Repository;

  constructor(repository: Repository, snapshot: Snapshot, record: DumpRecord) {
    this.#repository = repository;
    this.snapshot = snapshot;
    this.record = record;
  }

  /** Major version of the server that was dumped. */
  get major(): number {
    return Math.floor(this.record.serverVersion / 10_000);
  }

  /** Major version of the pg_dump that wrote the archives: an older pg_restore does not read them. */
  get programMajor(): number {
    return Number.parseInt(this.record.dumpVersionText, 10);
  }

  /** Major version of the oldest server that it can be restored into. */
  get oldestServerMajor(): number {
    const { major, programMajor } = this;
    return programMajor >= transactionTimeoutMajor ? Math.max(major, transactionTimeoutMajor) : major;
  }

  /** Throws `not-found`, naming those that are there. */
  database(name: string): DumpedDatabase {
    const found = this.record.databases.find((database) => database.name === name);
    if (found !== undefined) return found;
    const names = this.record.databases.map((database) => database.name).join(', ');
    throw new OperationError('not-found', `database "${name}" is not in snapshot ${this.snapshot.id.slice(0, 8)}`, {
      hint: `it holds: ${names}`,
      detail: { database: name },
    });
  }

  /** The archive in which the definitions of a database come first. Throws `repository-damaged`. */
  definitions({ name, preData, whole }: DumpedDatabase): DumpArchive {
    const archive = preData ?? whole;
    if (archive !== null) return archive;
    throw new OperationError('repository-damaged', `the record of the dump names no definitions of database "${name}"`);
  }

  /**
   * The bytes of an archive, each blob authenticated before it is handed over; no other byte of the snapshot is read.
   * Throws `repository-damaged`, `not-found`.
   */
  async *content(ctx: Context, { path }: Pick<DumpArchive, 'path'>): AsyncGenerator<Buffer> {
    const whole = `${sourceOf(this.snapshot)}/${path}`;
    const node = await findNode(ctx, treeLoader(this.#repository), this.snapshot.tree, whole);
    if (node.type !== 'file') throw new OperationError('repository-damaged', `/${whole} is no file in the snapshot`);
    yield* fileContent(ctx, this.#repository, node);
  }
}

async function onlySource(ctx: Context, repository: Repository): Promise<string | undefined> {
  const dumps = (await loadSnapshots(ctx, snapshotSource(repository))).filter((one) => kindOf(one) === 'dump');
  const sources = [...new Set(dumps.map(sourceOf))];
  if (sources.length === 0) {
    throw new OperationError('not-found', 'the repository holds no logical backup', {
      hint: 'make one: `understudy backup` with a source of kind dump',
    });
  }
  if (sources.length === 1) return sources[0];
  throw new OperationError('usage', 'the repository holds logical backups of several sources', {
    hint: `say which one with --source: ${sources.join(', ')}`,
  });
}
