// needs PostgreSQL's client programs
import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DumpedDatabase, DumpRecord } from '../backup/dumpRecord.ts';
import type { LogicalBackupOptions } from '../backup/logicalBackup.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { removeOrphans } from '../postgres/scratchDirectory.ts';
import { dumpBench, everything, type DumpBench } from '../testing/dumpBench.ts';
import { rootOnly } from '../testing/needs.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { passwordText, reopen } from '../testing/repositories.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import type { Assertion } from './application/assertion.ts';
import { failed, problemsOf } from './fixture/prove.ts';
import { tamper } from './fixture/tamper.ts';
import type { Proof } from './proof.ts';
import type { VerifySnapshotOptions } from './verifyOptions.ts';
import { verifySnapshot } from './verifySnapshot.ts';

const run = promisify(execFile);
const ctx = createContext();
const rich = 'scenescout';
let source: Cluster;
let bench: DumpBench;
let scratch: TempDir;
let record: DumpRecord;

beforeAll(async () => {
  source = await createCluster();
  bench = await dumpBench(source);
  scratch = await tempDir({ owner: 'server' });
  await createRichDatabase(source);
  await dump();
});

afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
});

/** A new backup, which is then the newest. */
async function dump(options: Partial<LogicalBackupOptions> = {}): Promise<void> {
  ({ record } = await bench.backup({ filters: { ...everything, databases: [rich] }, ...options }));
}

async function prove(options: Partial<VerifySnapshotOptions> = {}): Promise<Proof> {
  const { proof } = await verifySnapshot(ctx, await reopen(bench.repository), {
    selector: { text: 'latest' },
    level: 4,
    sandbox: { scratch: scratch.path },
    progress: silentProgress,
    ...options,
  });
  expect(readdirSync(scratch.path)).toEqual([]);
  return proof;
}

function edit(path: string, change: Parameters<typeof tamper>[2]): Promise<void> {
  return tamper({ openRepository: () => reopen(bench.repository) }, `app/${path}`, change);
}

/** As `edit`, of a file that stays; resolves with what brings it back. */
async function changeFile(path: string, how: (bytes: Buffer) => Buffer): Promise<() => Promise<void>> {
  let original = Buffer.alloc(0);
  await edit(path, (bytes) => {
    original = Buffer.from(bytes);
    return how(bytes);
  });
  return () => edit(path, () => original);
}

function archiveOf(table: string): string {
  return record.databases[0]!.tables.find(({ name }) => name === table)!.archive!.path;
}

/** Makes the record say something else of the one database. */
function editRecord(change: (database: DumpedDatabase) => Partial<DumpedDatabase>, more: Partial<DumpRecord> = {}) {
  const databases = record.databases.map((database) => ({ ...database, ...change(database) }));
  return edit('understudy.json', () => Buffer.from(JSON.stringify({ ...record, databases, ...more })));
}

function restoreRecord(): Promise<void> {
  return edit('understudy.json', () => Buffer.from(JSON.stringify(record)));
}

function asserted(sql: string): Assertion {
  return { kind: 'sql', name: 'what we count on', sql, database: undefined, role: undefined, timeoutMs: 10_000 };
}

function details(proof: Proof): Record<string, readonly string[]> {
  return Object.fromEntries(failed(proof).map(({ name, detail }) => [name, detail]));
}

test('a good dump passes: everything in it comes back as it was recorded', async () => {
  const proof = await prove({
    level: undefined,
    assertionsOf: () => [asserted('select count(*) = 2000 from public.events')],
  });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'passed', level: 5, notReached: [], recovery: null });
  expect(proof.checks.at(-1)).toMatchObject({ name: 'what we count on', level: 5 });
  expect(proof.snapshot).toMatchObject({ kind: 'dump', source: 'app' });
  expect(proof.phases.map(({ name }) => name)).toEqual(['restore', 'checks']);
  expect(proof.recoveryMs).toBe(proof.phases[0]!.durationMs);
  expect(proof.tables).toContainEqual(
    expect.objectContaining({
      database: rich,
      name: 'auth.users',
      rows: 300,
      fingerprint: expect.stringMatching(/\d/),
    }),
  );
});

test('whatever a record says otherwise than the dump holds, the rehearsal names', async () => {
  const named = <T extends { readonly name: string }>(all: readonly T[], name: string, change: Partial<T>): T[] =>
    all.map((one) => (one.name === name ? { ...one, ...change } : one));
  const roles = named(record.roles, 'rich_owner', { createDatabase: true });
  await editRecord(
    (database) => ({
      owner: 'postgres',
      schemas: named(database.schemas, 'auth', { owner: 'postgres' }),
      tables: named(database.tables, 'events', { rows: 2001 }),
      sequences: named(named(database.sequences, 'events_id_seq', { lastValue: '2005' }), 'free_sequence', {
        lastValue: '980',
      }),
      constraints: named(database.constraints, 'events_venue_id_fkey', { validated: false }),
      policies: named(database.policies, 'own_events', { using: 'true' }),
      grants: database.grants.map((one) =>
        one.object === 'table public.venues' ? { ...one, acl: [...one.acl, 'rich_owner=r/postgres'] } : one,
      ),
      largeObjectCount: 3,
      extensions: named(database.extensions, 'citext', { version: '1.0' }),
    }),
    { roles },
  );
  // and rows that are changed in the archive itself
  const undo = await changeFile(archiveOf('accounts'), (bytes) => {
    const at = bytes.indexOf('\t1000\n');
    expect(at).toBeGreaterThan(0);
    bytes[at + 1] = '9'.charCodeAt(0);
    return bytes;
  });
  const assertionsOf = () => [asserted('select sum(balance) = 50 * 1000 from public.accounts')];
  const proof = await prove({ level: 5, assertionsOf });
  await undo();
  await restoreRecord();
  expect(proof.verdict).toBe('failed');
  expect(details(proof)).toEqual({
    'databases': [expect.stringContaining(`database ${rich}: in the record of postgres`)],
    'roles': [expect.stringContaining('role rich_owner: in the record createDatabase, inherit, login, member of')],
    'schemas': [`${rich}: schema auth: in the record of postgres, restored of rich_owner`],
    'rows': [`${rich}: public.events has 2000 rows, in the record 2001`],
    'content': [`${rich}: the rows of public.accounts are not those that were dumped`],
    'large objects': [`${rich}: 2, in the record 3`],
    'sequences': [
      `${rich}: sequence public.events_id_seq goes on with 2001, before the 2006 of the record`,
      `${rich}: sequence public.free_sequence goes on with 990, before the 975 of the record`,
    ],
    'constraints': [expect.stringContaining('events_venue_id_fkey of public.events: in the record FOREIGN KEY')],
    'policies': [expect.stringContaining('own_events of public.events: in the record permissive for SELECT')],
    'grants': [expect.stringContaining('rights on table public.venues: in the record')],
    'what we count on': [],
  });
  expect(proof.checks.find(({ name }) => name === 'extensions')).toMatchObject({
    status: 'warning',
    detail: [expect.stringMatching(/citext 1.0 is 1\.\d here/)],
  });
});

test('an archive that is gone, and a table that the record forgets, are found without restoring', async () => {
  await editRecord(({ tables, policies }) => ({
    tables: tables.filter(({ name }) => name !== 'empty_table'),
    policies: policies.slice(1),
  }));
  const forgotten = await prove();
  expect(details(forgotten)).toEqual({
    contents: [expect.stringMatching(/empty_table.dump is not in the record$/)],
    archives: expect.arrayContaining([
      expect.stringContaining('TABLE public empty_table'),
      expect.stringContaining('POLICY public events new_events'),
    ]),
  });
  expect(forgotten.notReached).toContain('restored databases');

  await restoreRecord();
  await edit(archiveOf('accounts'), () => undefined);
  const missing = await prove();
  await dump();
  expect(failed(missing)[0]).toMatchObject({
    name: 'contents',
    level: 1,
    detail: [`the backup has no ${archiveOf('accounts')}: rows of table public.accounts of ${rich}`],
  });
  expect(missing.notReached).toContain('rows');

  await editRecord(({ tables }) => ({
    tables: tables.map((one) => (one.name === 'accounts' ? { ...one, archive: null } : one)),
  }));
  const unnamed = await prove({ level: 3 });
  await restoreRecord();
  expect(details(unnamed)['archives']?.[0]).toContain('names no archive with the rows of table public.accounts');
});

test('an archive that pg_restore does not take, and globals without a role, are found by level 3', async () => {
  const undo = [
    await changeFile(archiveOf('accounts'), (bytes) => Buffer.concat([Buffer.from('XXXXX'), bytes.subarray(5)])),
    await changeFile('globals.sql', (bytes) => Buffer.from(bytes.toString().replaceAll('rich_owner', 'poor_owner'))),
  ];
  const proof = await prove();
  for (const bringBack of undo) await bringBack();
  expect(details(proof)).toEqual({
    archives: [expect.stringContaining('does not appear to be a valid archive')],
    globals: ['globals.sql does not make role rich_owner', 'role poor_owner is not in the record'],
  });
});

test('a flipped byte in a pack is found by level 2, and the dump is not restored', async () => {
  await using own = await dumpBench(source);
  await own.backup({ filters: { ...everything, databases: [rich], tables: ['public.events'] } });
  const { stdout } = await run('find', [own.path('repository/data'), '-type', 'f', '-printf', '%s %p\n']);
  const [pack] = stdout
    .trim()
    .split('\n')
    .toSorted((a, b) => Number.parseInt(b) - Number.parseInt(a));
  const path = pack!.slice(pack!.indexOf(' ') + 1);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  rmSync(path);
  writeFileSync(path, bytes);
  const { proof } = await verifySnapshot(ctx, await reopen(own.repository), {
    selector: { text: 'latest' },
    level: 4,
    sandbox: { scratch: scratch.path },
    progress: silentProgress,
  });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof)[0]).toMatchObject({ name: 'data', level: 2 });
  expect(proof.notReached).toContain('restored databases');
});

test('an extension that the tester lacks, and a PostgreSQL that it lacks, are no fault of the dump', async () => {
  const lacking = scratch.join('../', `${scratch.path.split('/').at(-1)}-postgres`);
  await cp(resolve(import.meta.dirname, '../../node_modules/pg15/native'), lacking, {
    recursive: true,
    verbatimSymlinks: true,
  });
  try {
    rmSync(join(lacking, 'share/postgresql/extension/citext.control'));
    const sandbox = { scratch: scratch.path, programs: { directories: [join(lacking, 'bin')] } };
    const proof = await prove({ sandbox });
    expect(proof.verdict).toBe('inconclusive');
    expect(proof.checks.at(-1)).toMatchObject({
      name: 'restored databases',
      status: 'inconclusive',
      actual: expect.stringContaining('citext'),
      hint: expect.stringContaining('install'),
    });
    expect(proof.recoveryMs).toBeNull();
    rmSync(join(lacking, 'bin/initdb'));
    writeFileSync(join(lacking, 'bin/initdb'), '#!/bin/sh\necho "initdb: error: of its own" >&2; exit 1\n', {
      mode: 0o755,
    });
    const without = await prove({ sandbox });
    expect(failed(without)).toEqual([]);
    expect(without).toMatchObject({ verdict: 'inconclusive' });
    expect(without.checks.at(-1)).toMatchObject({ name: 'sandbox', actual: expect.stringContaining('of its own') });
  } finally {
    rmSync(lacking, { recursive: true });
  }
  await editRecord(() => ({}), { serverVersion: 990_000 });
  const proof = await prove();
  await restoreRecord();
  expect(proof.verdict).toBe('inconclusive');
  expect(proof.checks.at(-1)).toMatchObject({ name: 'sandbox', status: 'inconclusive' });
});

function fill(path: string): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(1 << 20));
  } catch {
    // no space left on device
  }
}

rootOnly('a full disk is no fault of the dump', async () => {
  const small = scratch.join('small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'tmpfs', small]);
  try {
    const { proof } = await verifySnapshot(ctx, await reopen(bench.repository), {
      selector: { text: 'latest' },
      level: 4,
      sandbox: { scratch: small },
      progress: {
        ...silentProgress,
        phase: (name) => (name === 'restoring rows' ? fill(join(small, 'full')) : undefined),
      },
    });
    rmSync(join(small, 'full'));
    expect(failed(proof)).toEqual([]);
    expect(proof.verdict).toBe('inconclusive');
    expect(proof.checks.at(-1)?.name).toBe('restored databases');
    expect(readdirSync(small)).toEqual([]);
  } finally {
    execFileSync('umount', [small]);
    rmSync(small, { recursive: true });
  }
});

test('a dump of PostgreSQL 13 by a newer pg_dump goes back into PostgreSQL 13', async () => {
  await using old = await createCluster({ major: 13 });
  await old.sql('create table t as select g as id from generate_series(1, 10) g');
  await using own = await dumpBench(old);
  await own.backup();
  const { proof, kept } = await verifySnapshot(ctx, await reopen(own.repository), {
    selector: { text: 'latest' },
    level: 4,
    keepSandbox: true,
    sandbox: { scratch: scratch.path },
    progress: silentProgress,
  });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof.checks.find(({ name }) => name === 'sandbox')?.actual).toMatch(/^PostgreSQL 13\./);
  expect(proof.tables).toMatchObject([{ database: 'postgres', name: 'public.t', rows: 10 }]);
  expect(readFileSync(join(kept!, 'data/PG_VERSION'), 'utf8')).toBe('13\n');
  rmSync(kept!, { recursive: true });

  // where no programs of that version are, a newer server takes it
  const { proof: newer } = await verifySnapshot(ctx, await reopen(own.repository), {
    selector: { text: 'latest' },
    level: 4,
    sandbox: { scratch: scratch.path, programs: { packageRoot: '/' } },
    progress: silentProgress,
  });
  expect(newer.verdict).toBe('passed');
  expect(newer.checks.find(({ name }) => name === 'sandbox')).toMatchObject({
    status: 'warning',
    detail: expect.arrayContaining([expect.stringContaining('was of major 13')]),
  });
});

test('killed in any phase, it leaves nothing that the next one does not remove', async () => {
  const program = join(import.meta.dirname, 'fixture/verifyProcess.ts');
  const env = { ...process.env, TMPDIR: scratch.path };
  const phases = { 'building indexes and constraints': 2, [`reading tables of ${rich}`]: 1 };
  for (const [phase, left] of Object.entries(phases)) {
    const args = [program, bench.path('repository'), scratch.path, passwordText, phase];
    await expect(run(process.execPath, args, { env }), phase).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect(readdirSync(scratch.path), phase).toHaveLength(left);
    await removeOrphans(ctx, scratch.path);
    expect(readdirSync(scratch.path), phase).toEqual([]);
  }
});

test('a recovery target makes no sense for a dump', async () => {
  const target = { target: { kind: 'immediate' }, inclusive: true, timeline: 'latest' } as const;
  await expect(prove({ target })).rejects.toMatchObject({ code: 'usage' });
});

test('a dump of chosen schemas is proved as far as it goes, and one that needs more cannot be tested', async () => {
  const chosen = { ...everything, databases: [rich], schemas: ['public', 'auth'], excludeTables: ['public.venues'] };
  await dump({ layout: 'single', globals: 'none', filters: chosen });
  const proof = await prove();
  expect(proof.verdict).toBe('passed');
  expect(proof.checks.filter(({ status }) => status === 'warning')).toEqual([
    expect.objectContaining({
      name: 'restored databases',
      detail: expect.arrayContaining([expect.stringContaining('relation "public.venues" does not exist')]),
    }),
  ]);
  await dump({ filters: { ...everything, databases: [rich], tables: ['public.events', 'public.accounts'] } });
  const needy = await prove();
  expect(needy.verdict).toBe('inconclusive');
  expect(needy.recoveryMs).toBeNull();
  expect(needy.checks.find(({ status }) => status === 'inconclusive')).toMatchObject({
    name: 'reading',
    detail: [`${rich}: public.events`],
  });
});
