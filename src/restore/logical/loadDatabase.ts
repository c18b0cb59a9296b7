import type { DumpArchive } from '../../backup/dumpRecord.ts';
import { forEachConcurrently } from '../../base/concurrency.ts';
import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import type { LogicalRestorePlan, PlannedDatabase } from '../planLogicalRestore.ts';
import {
  archiveEntries,
  loadArchive,
  loadArchiveParallel,
  loadWhatCanBe,
  withEntries,
  type ArchiveContent,
  type ArchiveLoad,
  type RestoreTarget,
} from './pgRestore.ts';
import { makeFoundations, replacePublicSchema, type Foundations } from './foundations.ts';
import { leavingForeignKeys, schemaEntries, entriesWithin } from './schemaOnly.ts';

export interface LoadOptions {
  readonly jobs: number;
  readonly progress: Progress;
  /**
   * For a dump of some relations: the schemas and extensions that they lie in are made, what refers to others is left
   * out, and told here in pg_restore's words. Without, the first such object ends the restore.
   */
  readonly onUnmade?: ((problems: readonly string[]) => void) | undefined;
}

/**
 * Fills a database in the order in which nothing is in the way of anything: definitions, rows (several tables at once,
 * the largest first), values of sequences, large objects, then indexes, constraints, triggers, policies and the
 * refresh of materialized views, and statistics. While rows are loaded neither triggers nor foreign keys exist, so none
 * has to be disabled, and pg_restore turns row security off.
 */
export class DatabaseLoader {
  readonly #ctx: Context;
  readonly #plan: LogicalRestorePlan;
  readonly #planned: PlannedDatabase;
  readonly #target: RestoreTarget;
  readonly #options: LoadOptions;
  /** Of the archive with the definitions those to load; undefined: all. */
  #entries: readonly string[] | undefined;

  constructor(
    ctx: Context,
    parts: {
      readonly plan: LogicalRestorePlan;
      readonly planned: PlannedDatabase;
      /** Name of the database to fill. */
      readonly database: string;
      readonly options: LoadOptions;
    },
  ) {
    const { plan } = parts;
    this.#ctx = ctx;
    this.#plan = plan;
    this.#planned = parts.planned;
    this.#target = { programs: plan.programs, connection: plan.target, database: parts.database };
    this.#options = parts.options;
  }

  async load(): Promise<void> {
    const { from } = this.#planned;
    const { onUnmade } = this.#options;
    const { dump, owners, schema } = this.#plan;
    if (schema === undefined && dump.record.filters.schemas.length > 0) {
      this.#entries = await replacePublicSchema(this.#ctx, { ...this.#foundations, owners });
    }
    if (onUnmade !== undefined) onUnmade(await makeFoundations(this.#ctx, this.#foundations));
    if (from.whole !== null) await this.#loadWhole(from.whole);
    else await this.#loadParts();
    this.#options.progress.phase('collecting statistics');
    await using sql = await openSqlConnection(this.#ctx, {
      ...this.#plan.target,
      database: this.#target.database,
    });
    await sql.query('ANALYZE');
  }

  /** Sections of one archive: it is read once, or for a schema once a section. */
  async #loadWhole(whole: DumpArchive): Promise<void> {
    const { schema } = this.#plan;
    this.#options.progress.phase('restoring', { bytes: whole.sizeBytes });
    if (schema === undefined) return this.#loadSelected(whole, this.#attributes);
    await this.#loadDefinitions(whole);
    await this.#load(whole, ['--section=data', `--schema=${schema}`]);
    await this.#loadRest(whole);
  }

  async #loadParts(): Promise<void> {
    const { from, sizeBytes } = this.#planned;
    const { schema } = this.#plan;
    const { progress, jobs } = this.#options;
    progress.phase('restoring definitions');
    if (from.preData !== null) await this.#loadDefinitions(from.preData);
    progress.phase('restoring rows', { bytes: sizeBytes });
    const archives = from.tables
      .filter((table) => schema === undefined || table.schema === schema)
      .flatMap(({ archive }) => archive ?? [])
      .toSorted((one, other) => other.sizeBytes - one.sizeBytes);
    await forEachConcurrently(archives, jobs, (archive) => this.#load(archive, []));
    const filter = schema === undefined ? [] : [`--schema=${schema}`];
    for (const archive of from.sequenceValues) await this.#load(archive, filter);
    if (from.largeObjects !== null && schema === undefined) await this.#load(from.largeObjects, []);
    progress.phase('building indexes and constraints');
    if (from.postData !== null) await this.#loadRest(from.postData);
  }

  async #loadDefinitions(archive: DumpArchive): Promise<void> {
    const { schema } = this.#plan;
    const { from, action } = this.#planned;
    const args = ['--section=pre-data', ...this.#attributes];
    if (schema === undefined) return this.#loadSelected(archive, args);
    const all = await archiveEntries(this.#ctx, this.#content(archive), this.#plan.programs);
    const outer = schemaEntries(all, { schema, from, isNew: action !== 'add' });
    await withEntries(outer, (list) => this.#load(archive, [...args, ...list]));
    await this.#load(archive, [...args, `--schema=${schema}`]);
  }

  /** All of it, but for what a new database has already. */
  async #loadSelected(archive: DumpArchive, args: readonly string[]): Promise<void> {
    if (this.#entries === undefined) return this.#load(archive, args);
    await withEntries(this.#entries, (list) => this.#load(archive, [...args, ...list]));
  }

  get #foundations(): Foundations {
    const { from } = this.#planned;
    return { from, content: this.#content(this.#plan.dump.definitions(from)), target: this.#target };
  }

  async #loadRest(archive: DumpArchive): Promise<void> {
    const { schema } = this.#plan;
    const { from, action } = this.#planned;
    const args = ['--section=post-data', ...this.#attributes];
    const load = (more: readonly string[]): Promise<void> =>
      loadArchiveParallel(this.#ctx, this.#content(archive), {
        target: this.#target,
        args: [...args, ...more],
        jobs: this.#options.jobs,
        load: this.#loader,
      });
    if (schema === undefined) return load([]);
    const all = await archiveEntries(this.#ctx, this.#content(archive), this.#plan.programs);
    const keys = action === 'add' ? [] : leavingForeignKeys(from, schema);
    await withEntries(entriesWithin(all, { schema, keys }), (list) => load([...list, `--schema=${schema}`]));
  }

  #load(archive: DumpArchive, args: readonly string[]): Promise<void> {
    return this.#loader(this.#ctx, this.#content(archive), { target: this.#target, args });
  }

  get #loader(): typeof loadArchive {
    const { onUnmade } = this.#options;
    if (onUnmade === undefined) return loadArchive;
    return async (ctx: Context, archive: ArchiveContent, load: ArchiveLoad) => {
      const { problems } = await loadWhatCanBe(ctx, archive, load);
      if (problems.length > 0) onUnmade(problems);
    };
  }

  #content(archive: DumpArchive): ArchiveContent {
    const { progress } = this.#options;
    const bytes = this.#plan.dump.content(this.#ctx, archive);
    return { name: archive.path, bytes: counted(bytes, (count) => progress.advance({ bytes: count })) };
  }

  get #attributes(): string[] {
    const { owners, grants } = this.#plan;
    return ['--no-tablespaces', ...(owners ? [] : ['--no-owner']), ...(grants ? [] : ['--no-acl'])];
  }
}

async function* counted(bytes: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const part of bytes) {
    yield part;
    count(part.length);
  }
}
