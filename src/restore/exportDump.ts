import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { requireClientPrograms } from '../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { openSqlConnection } from '../postgres/sqlConnection.ts';
import type { Repository } from '../repository/repository.ts';
import { applyLogicalRestore } from './applyLogicalRestore.ts';
import type { Dump } from './loadDump.ts';
import { roleNames } from './logical/checkTarget.ts';
import { dumpArchive } from './logical/pgRestore.ts';
import { quoted } from './logical/sqlStatements.ts';
import { planLogicalRestore } from './planLogicalRestore.ts';

export interface ExportOptions {
  readonly dump: Dump;
  readonly database: string;
  /** A server of the dump's version that is thrown away afterwards. */
  readonly server: ConnectionOptions;
  readonly programDirectories?: readonly string[];
  readonly progress?: Progress;
}

/**
 * One ordinary archive of a dumped database, in custom format, made of its parts: they are restored into a server of
 * one's own and dumped from there as one. Ends only when pg_dump ended well. Throws as a restore does.
 */
export async function* exportParts(
  ctx: Context,
  repository: Repository,
  { dump, database, server, programDirectories = [], progress = silentProgress }: ExportOptions,
): AsyncGenerator<Buffer> {
  const directories = programDirectories;
  const programs = await requireClientPrograms(ctx, { major: dump.major, programs: ['pg_dump'], directories });
  await createRoles(ctx, dump, server);
  const plan = await planLogicalRestore(ctx, repository, {
    selector: { text: dump.snapshot.id },
    databases: [database],
    existing: 'refuse',
    owners: true,
    grants: true,
    globals: false,
    target: server,
    programDirectories,
  });
  await applyLogicalRestore(ctx, plan, { progress });
  progress.phase('writing the archive');
  yield* dumpArchive(ctx, { programs, connection: server, database }, []);
}

/**
 * Makes the roles of a dump that the server lacks, without passwords and the right to log in. Superusers and
 * memberships are needed, since some objects may belong to no other role, and a materialized view is filled with the
 * rights of its owner.
 */
export async function createRoles(ctx: Context, dump: Dump, server: ConnectionOptions): Promise<void> {
  await using sql = await openSqlConnection(ctx, server);
  const present = await roleNames(sql);
  const created = dump.record.roles.filter(({ name }) => !present.has(name) && !name.startsWith('pg_'));
  for (const { name, superuser, bypassRowSecurity } of created) {
    const attributes = `${superuser ? ' SUPERUSER' : ''}${bypassRowSecurity ? ' BYPASSRLS' : ''}`;
    await sql.query(`CREATE ROLE ${quoted(name)}${attributes}`);
  }
  for (const { name, memberOf } of created) {
    for (const group of memberOf) await sql.query(`GRANT ${quoted(group)} TO ${quoted(name)}`);
  }
}
