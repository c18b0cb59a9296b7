/**
 * `npm run setup -- <directory> [--server <url>] [--database <name>] [--scale <n>] [--until <time>]`
 *
 * Makes a living SceneScout in a new directory: `app/` (a working copy with two remotes and an `.env`), `remotes/`,
 * `logs/`, and a migrated, seeded database of its own on the server that `--server` (default DATABASE_URL) names.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: process.env['DATABASE_URL'] ?? 'postgresql://postgres@127.0.0.1:5432/postgres' },
    database: { type: 'string', default: 'scenescout' },
    port: { type: 'string', default: '8080' },
    scale: { type: 'string', default: '1' },
    until: { type: 'string', default: new Date().toISOString() },
  },
});
const [directory] = positionals;
if (directory === undefined) fail('name the directory to make, e.g. npm run setup -- ~/scenescout');
const place = resolve(directory);
if (existsSync(place) && readdirSync(place).length > 0) fail(`${place} is not empty`);

const template = resolve(import.meta.dirname, '..');
const app = join(place, 'app');
const serverUrl = new URL(values.server);
const databaseUrl = new URL(values.server);
databaseUrl.pathname = `/${encodeURIComponent(values.database)}`;

copyApplication();
linkModules();
writeSecrets();
makeRepositories();
await makeDatabase();
console.log(`SceneScout is in ${app}: npm run build && npm run dev`);

/** Everything that belongs to the application, nothing that a run of it made. */
function copyApplication() {
  const made = new Set(['node_modules', 'dist', 'logs', 'backups', '.git', '.env']);
  mkdirSync(place, { recursive: true });
  cpSync(template, app, { recursive: true, filter: (path) => path === template || !made.has(basename(path)) });
  mkdirSync(join(place, 'logs'));
}

/** The packages that are installed where this script lies, or an installation of their own. */
function linkModules() {
  for (let above = template; ; above = dirname(above)) {
    const modules = join(above, 'node_modules');
    if (existsSync(join(modules, 'pg'))) return symlinkSync(modules, join(app, 'node_modules'));
    if (above === dirname(above)) return run('npm', 'ci');
  }
}

function writeSecrets() {
  const settings = {
    DATABASE_URL: databaseUrl.href,
    PORT: values.port,
    LOG_DIR: join(place, 'logs'),
    PID_FILE: join(place, 'scenescout.pid'),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    INGEST_TOKEN: randomBytes(32).toString('hex'),
  };
  let text = readFileSync(join(app, '.env.example'), 'utf8').replace(/^# Copy to .*\n/, '');
  for (const [name, value] of Object.entries(settings)) {
    text = text.replace(new RegExp(`^${name}=.*$`, 'm'), () => `${name}="${value}"`);
  }
  writeFileSync(join(app, '.env'), text, { mode: 0o600 });
  writeFileSync(join(place, 'backup-password'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
}

/** The working copy with a little history, and two bare repositories that it is pushed to. */
function makeRepositories() {
  const git = (/** @type {string[]} */ ...words) => run('git', ...words);
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'SceneScout');
  git('config', 'user.email', 'scenescout@example.com');
  for (const [message, ...paths] of [
    ['database: schema and seed', 'supabase'],
    ['api: events, venues, users, ingestion, health', 'src', 'test', 'package.json', 'package-lock.json'],
    ['everything else', '.'],
  ]) {
    git('add', '--', ...paths);
    git('commit', '--quiet', '-m', message ?? '');
  }
  git('tag', '-a', 'v1.0.0', '-m', 'first release');
  git('branch', 'next');
  for (const remote of ['origin', 'mirror']) {
    const bare = join(place, 'remotes', `${remote}.git`);
    git('init', '--quiet', '--bare', '--initial-branch=main', bare);
    git('remote', 'add', remote, bare);
    git('push', '--quiet', remote, 'main', 'next', 'v1.0.0');
  }
  git('branch', '--quiet', '--set-upstream-to=origin/main', 'main');
}

/** Loaded only now: from the working copy, whose packages are certainly there. */
async function makeDatabase() {
  /** @type {typeof import('../src/createDatabase.ts')} */
  const { createDatabase } = await import(join(app, 'src/createDatabase.ts'));
  await createDatabase(serverUrl.href, {
    database: values.database,
    databaseUrl: databaseUrl.href,
    seed: { scale: Number(values.scale), until: new Date(values.until) },
  });
}

/**
 * @param {string} program
 * @param {string[]} words
 */
function run(program, ...words) {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const { status, error } = spawnSync(program, words, { cwd: app, stdio: 'inherit', env: environment });
  if (status !== 0) fail(`${program} ${words[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}
