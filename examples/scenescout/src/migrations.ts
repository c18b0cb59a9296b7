import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { projectDirectory } from './settings.ts';

export interface Migration {
  /** The 14 digits that begin the file's name. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const directory = join(projectDirectory, 'supabase/migrations');
const lockKey = 7_230_515; // any number, the same in every process that migrates

export function readMigrations(): Migration[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.sql'));
  return files.toSorted().map((file) => {
    const [, version, name] = /^(\d{14})_([a-z0-9_]+)\.sql$/.exec(file) ?? [];
    if (version === undefined || name === undefined) throw new Error(`${file} is not named <14 digits>_<name>.sql`);
    const sql = readFileSync(join(directory, file), 'utf8');
    return { version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/**
 * Applies what is missing, each migration in a transaction of its own, and returns their names. An applied migration
 * whose file has changed since is an error: the database is not what the files say.
 */
export async function migrate(db: pg.ClientBase): Promise<string[]> {
  await db.query('select pg_advisory_lock($1)', [lockKey]);
  try {
    await db.query(`
      create schema if not exists supabase_migrations;
      create table if not exists supabase_migrations.schema_migrations (
        version text primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default now()
      )`);
    const applied = await appliedMigrations(db);
    const migrations = readMigrations();
    const changed = changedMigrations(applied, migrations);
    if (changed.length > 0) throw new Error(`changed since they were applied: migrations ${changed.join(', ')}`);
    const missing = migrations.filter(({ version }) => !applied.has(version));
    for (const migration of missing) await apply(db, migration);
    return missing.map(({ version, name }) => `${version}_${name}`);
  } finally {
    await db.query('select pg_advisory_unlock($1)', [lockKey]);
  }
}

/** Checksums by version. */
export async function appliedMigrations(db: pg.ClientBase | pg.Pool): Promise<Map<string, string>> {
  const text = 'select version, checksum from supabase_migrations.schema_migrations order by version';
  const { rows } = await db.query<{ version: string; checksum: string }>(text);
  return new Map(rows.map(({ version, checksum }) => [version, checksum]));
}

/** Versions whose file is no longer the one that was applied. */
export function changedMigrations(applied: ReadonlyMap<string, string>, files: readonly Migration[]): string[] {
  const changed = files.filter(({ version, checksum }) => (applied.get(version) ?? checksum) !== checksum);
  return changed.map(({ version }) => version);
}

async function apply(db: pg.ClientBase, migration: Migration): Promise<void> {
  await db.query('begin');
  try {
    await db.query(migration.sql);
    await db.query('insert into supabase_migrations.schema_migrations (version, name, checksum) values ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.checksum,
    ]);
    await db.query('commit');
  } catch (error) {
    await db.query('rollback');
    throw new Error(`migration ${migration.version}_${migration.name} failed`, { cause: error });
  }
}
