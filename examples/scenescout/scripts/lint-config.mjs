/** `npm run lint:config`: stands for `supabase db lint`. Reads files, and the database too when DATABASE_URL is set. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { readMigrations } from '../src/migrations.ts';
import { projectDirectory } from '../src/settings.ts';
import { parseToml } from './toml.mjs';

/** @type {string[]} */
const problems = [];
await attempt('supabase/config.toml', checkConfig);
await attempt('supabase/migrations', checkMigrations);
await attempt('.env', checkEnvironment);
if (process.env['DATABASE_URL'] !== undefined) await attempt('database', checkDatabase);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'the configuration is sound' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/**
 * @param {string} subject
 * @param {() => string[] | Promise<string[]>} check
 */
async function attempt(subject, check) {
  try {
    problems.push(...(await check()).map((problem) => `${subject}: ${problem}`));
  } catch (error) {
    problems.push(`${subject}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkConfig() {
  const tables = parseToml(read('supabase/config.toml'));
  /** @param {string} table @param {string} key */
  const value = (table, key) => tables.get(table)?.get(key);
  const ports = [value('api', 'port'), value('db', 'port'), value('db', 'shadow_port')];
  const major = Number(value('db', 'major_version'));
  const seeds = value('db.seed', 'sql_paths');
  /** @type {[wrong: boolean, problem: string][]} */
  const rules = [
    [!/^[a-z0-9-]+$/.test(String(value('', 'project_id'))), 'project_id is missing or has odd characters'],
    [!ports.every((port) => Number.isInteger(port)), 'a port of [api] or [db] is missing'],
    [new Set(ports).size !== ports.length, 'two ports are the same'],
    [!(major >= 13 && major <= 18), `db.major_version is ${major}, not 13 to 18`],
    [!URL.canParse(String(value('auth', 'site_url'))), 'auth.site_url is not a URL'],
    [!Array.isArray(value('api', 'schemas')), 'api.schemas is not a list'],
  ];
  const missingSeeds = Array.isArray(seeds) ? seeds.filter((path) => !existsSync(at(join('supabase', path)))) : [];
  return [
    ...rules.filter(([wrong]) => wrong).map(([, problem]) => problem),
    ...missingSeeds.map((path) => `db.seed.sql_paths names ${path}, which is not there`),
  ];
}

function checkMigrations() {
  const migrations = readMigrations();
  const all = migrations.map(({ sql }) => sql).join('\n');
  const versions = migrations.map(({ version }) => version);
  const twice = versions.filter((version, index) => versions.indexOf(version) !== index);
  const tables = [...all.matchAll(/^create table (public\.(?:"(?:[^"]|"")+"|\w+))/gm)].map(([, name]) => name ?? '');
  const open = tables.filter((name) => !all.includes(`alter table ${name} enable row level security`));
  const unsafe = [...all.matchAll(/create function ([\w.]+)\((?:(?!\$\$).)*security definer(?! set search_path)/gs)];
  return [
    ...(migrations.length === 0 ? ['there are none'] : []),
    ...twice.map((version) => `version ${version} is there twice`),
    ...open.map((name) => `${name} has no row level security`),
    ...unsafe.map(([, name]) => `function ${name} is security definer without a search_path of its own`),
  ];
}

/** `.env` has to answer everything that `.env.example` asks, with real secrets. */
function checkEnvironment() {
  if (!existsSync(at('.env'))) return [];
  const assignments = (/** @type {string} */ file) =>
    new Map([...read(file).matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [name, value]));
  const given = assignments('.env');
  const missing = [...assignments('.env.example').keys()].filter((name) => (given.get(name) ?? '') === '');
  const weak = ['SESSION_SECRET', 'INGEST_TOKEN'].filter((name) => (given.get(name) ?? '').length < 32);
  return [
    ...missing.map((name) => `${name} is missing or empty`),
    ...weak.filter((name) => !missing.includes(name)).map((name) => `${name} is shorter than 32 characters`),
  ];
}

/** What only the server can tell: policies that are off, foreign keys not validated. */
async function checkDatabase() {
  const db = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await db.connect();
  try {
    const { rows } = await db.query(`
      select c.oid::regclass || ' has policies, but row level security is off' as problem
        from pg_class c where not c.relrowsecurity and exists (select from pg_policy where polrelid = c.oid)
      union all
      select conname || ' of ' || conrelid::regclass || ' is not validated' from pg_constraint where not convalidated
      union all
      select indexrelid::regclass || ' is not valid' from pg_index where not indisvalid`);
    return rows.map(({ problem }) => problem);
  } finally {
    await db.end();
  }
}

/** @param {string} path */
function read(path) {
  return readFileSync(at(path), 'utf8');
}

/** @param {string} path */
function at(path) {
  return join(projectDirectory, path);
}
