// needs PostgreSQL's client programs
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, lstatSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { serverUser } from '../testing/serverUser.ts';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { findInstallations, programPath, reachableInstallation, requireInstallation } from './installations.ts';
import { runProgram } from './runProgram.ts';

const ctx = createContext();
const modules = resolve(import.meta.dirname, '../../node_modules');

test.each(postgresMajors)('finds PostgreSQL %i with its extensions', async (major) => {
  const installation = await requireInstallation(ctx, major, { programs: ['postgres', 'initdb', 'pg_ctl'] });
  expect(installation.major).toBe(major);
  expect(installation.version).toMatch(new RegExp(`^${major}\\.\\d+`));
  expect(installation.extensions.has('amcheck')).toBe(true);
});

test('a program that only the system package has is found there', async () => {
  const all = await findInstallations(ctx);
  const packaged = all.find(({ origin, major }) => origin === 'npm' && major === 17);
  expect(packaged?.programs.has('psql')).toBe(false);
  const system = all.find(({ origin }) => origin === 'system');
  if (system === undefined) return;
  const installation = await requireInstallation(ctx, system.major, { programs: ['pg_verifybackup'] });
  expect(installation.origin).toBe('system');
  expect(programPath(installation, 'pg_verifybackup')).toBe(join(system.binDirectory, 'pg_verifybackup'));
});

test('what is missing is named with its version', async () => {
  await expect(requireInstallation(ctx, 99)).rejects.toMatchObject({
    code: 'program-missing',
    message: 'postgres of PostgreSQL 99 is not installed',
  });
  const packaged = (await findInstallations(ctx)).find(({ origin }) => origin === 'npm');
  expect(() => packaged && programPath(packaged, 'pg_dump')).toThrow('pg_dump of PostgreSQL');
});

test('a configured directory comes first, and one without postgres is an error', async () => {
  const directory = join(modules, 'pg16/native/bin');
  const [first] = await findInstallations(ctx, { directories: [directory] });
  expect(first).toMatchObject({ major: 16, origin: 'configured', binDirectory: directory });
  await expect(findInstallations(ctx, { directories: ['/nowhere'] })).rejects.toMatchObject({
    code: 'program-missing',
  });
  await using impostor = await tempDir();
  await symlink('/bin/echo', impostor.join('postgres'));
  await expect(findInstallations(ctx, { directories: [impostor.path] })).rejects.toThrow('is not PostgreSQL');
});

test('library links that npm did not make are made, and an unusable package is told', async () => {
  await using project = await tempDir();
  const native = project.join('node_modules/pg17/native');
  await cp(join(modules, 'pg17/native'), native, { recursive: true, verbatimSymlinks: true });
  const link = join(native, 'lib/libicuuc.so.60');
  await rm(link);
  const broken = await runProgram(ctx, { program: join(native, 'bin/postgres'), args: ['--version'] }).then(
    () => false,
    () => true,
  );
  expect(broken).toBe(true);
  const [found] = (await findInstallations(ctx, { packageRoot: project.path })).filter(
    ({ origin }) => origin === 'npm',
  );
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(found?.binDirectory).toBe(join(native, 'bin'));

  await writeFile(join(native, 'pg-symlinks.json'), '[{"source":"../../etc/passwd","target":"native/lib/x"}]');
  await expect(requireInstallation(ctx, 99, { packageRoot: project.path })).rejects.toMatchObject({
    hint: expect.stringContaining('leads out of it'),
  });
});

rootOnly('a package in a closed directory is copied to where the user can run it', async () => {
  const user = serverUser();
  await using closed = await tempDir();
  await using open = await tempDir();
  await cp(join(modules, 'pg18/native'), closed.join('native'), { recursive: true, verbatimSymlinks: true });
  const installation = await requireInstallation(ctx, 18, { directories: [closed.join('native/bin')] });
  expect(await reachableInstallation(ctx, installation, { user, directory: open.path })).toEqual(installation);

  await chmod(closed.path, 0o700);
  const packaged = { ...installation, origin: 'npm' as const };
  await mkdir(open.join('run'));
  const copy = await reachableInstallation(ctx, packaged, { user, directory: open.join('run') });
  expect(copy.binDirectory).toBe(open.join('run/postgresql-18/bin'));
  expect(existsSync(programPath(copy, 'initdb'))).toBe(true);
  await expect(reachableInstallation(ctx, installation, { user, directory: open.path })).rejects.toThrow(
    'may not be executed',
  );
});
