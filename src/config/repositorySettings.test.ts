import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import type { Environment } from './interpolate.ts';
import { readPassword } from './password.ts';
import { quickRepositorySection } from './quickRepository.ts';
import { repositorySettings, type RepositoryFlags, type RepositorySection } from './repositorySettings.ts';
import { loadConfig } from './loadConfig.ts';

const signal = new AbortController().signal;

function settings(flags: RepositoryFlags, environment: Environment, section: RepositorySection = {}) {
  return repositorySettings({ flags, environment, section, workingDirectory: '/here' });
}

test('the location: flag, our variable, file, restic variable', () => {
  const restic = { RESTIC_REPOSITORY: 'r' };
  const ours = { ...restic, UNDERSTUDY_REPOSITORY: 'u' };
  const file = { location: '/file' };
  expect(settings({ repo: 'f' }, ours, file).location).toBe('/here/f');
  expect(settings({}, ours, file).location).toBe('/here/u');
  expect(settings({}, restic, file).location).toBe('/file');
  expect(settings({}, restic).location).toBe('/here/r');
  expect(settings({}, { UNDERSTUDY_REPOSITORY: '', RESTIC_REPOSITORY: 's3:b' }).location).toBe('s3:b');
  expect(() => settings({}, {})).toThrow(expect.objectContaining({ code: 'config-missing' }));
});

test('the password: one whole level wins over the next', () => {
  const file = { location: '/l', passwordFile: '/pw' };
  expect(settings({ passwordCommand: 'cat' }, { UNDERSTUDY_PASSWORD: 'x' }, file).password.kind).toBe('command');
  expect(settings({}, { UNDERSTUDY_PASSWORD: 'x', RESTIC_PASSWORD: 'y' }, file).password.kind).toBe('value');
  expect(settings({}, { RESTIC_PASSWORD: 'y' }, file).password).toEqual({ kind: 'file', path: '/pw' });
  expect(settings({}, {}, { location: '/l' }).password.kind).toBe('none');
});

test('two passwords at one level are refused', () => {
  const environment = { UNDERSTUDY_PASSWORD: 'x', UNDERSTUDY_PASSWORD_FILE: '/f' };
  expect(() => settings({ repo: '/l' }, environment)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('variables in a secret are filled when it is used, and a missing one is named', async () => {
  const section = { location: '/l', password: new Secret('a-${X}-$${Y}') };
  const found = settings({}, { X: '1' }, section).password;
  expect((await readPassword(found, signal))?.reveal()).toBe('a-1-${Y}');
  expect(() => settings({}, {}, section)).toThrow('repository.password needs environment variable X');
});

test.each([
  ['UNDERSTUDY_COMPRESSION', 'mx', 'did you mean "max"?'],
  ['UNDERSTUDY_PACK_SIZE', '1G', 'leave it unset for 16MiB'],
])('%s=%s is refused', (variable, value, hint) => {
  expect(() => settings({ repo: '/l' }, { [variable]: value })).toThrow(
    expect.objectContaining({ code: 'config-invalid', hint }),
  );
});

test('a password from a file or a command has no white space around it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'password-'));
  const path = join(directory, 'pw');
  writeFileSync(path, ' secret \n');
  expect((await readPassword({ kind: 'file', path }, signal))?.reveal()).toBe('secret');
  expect((await readPassword({ kind: 'command', command: `cat ${path} | tr a-z A-Z` }, signal))?.reveal()).toBe(
    'SECRET',
  );
  rmSync(directory, { recursive: true });
  await expect(readPassword({ kind: 'file', path }, signal)).rejects.toMatchObject({ code: 'file-missing' });
});

test('a failing or silent command is an error that does not repeat the command', async () => {
  const failing = readPassword({ kind: 'command', command: 'TOKEN=abc; exit 3' }, signal);
  await expect(failing).rejects.toMatchObject({
    code: 'program-failed',
    message: expect.stringMatching(/^[^A-Z]*status 3$/),
  });
  await expect(readPassword({ kind: 'command', command: 'true' }, signal)).rejects.toMatchObject({
    code: 'config-invalid',
  });
});

test('the quick reader gives what the full loader gives', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quick-'));
  const path = join(directory, 'understudy.yaml');
  const options = { path, environment: {} };
  writeFileSync(path, 'repository: { location: r, passwordFile: pw, packSize: 8MiB, compression: max }\n');
  const quick = await quickRepositorySection(options);
  expect(quick).toEqual({
    ...loadConfig(options).config.repository,
    password: undefined,
    passwordCommand: undefined,
    keyCacheFile: undefined,
  });
  writeFileSync(path, 'repository: { location: r }\nretenton: 1\n');
  expect((await quickRepositorySection(options)).location).toBe(join(directory, 'r'));
  writeFileSync(path, 'repository: { locaton: r }\n');
  await expect(quickRepositorySection(options)).rejects.toMatchObject({ code: 'config-invalid' });
  rmSync(directory, { recursive: true });
});
