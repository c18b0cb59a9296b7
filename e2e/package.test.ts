import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TempDir, tempDir } from '../src/testing/tempDir.ts';
import manifest from '../package.json' with { type: 'json' };

const root = resolve(import.meta.dirname, '..');
const modernNode = join(root, 'node_modules/.bin');
// what `npm test` hands down would point npm at this project
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
const path = [modernNode, ...(process.env['PATH'] ?? '').split(delimiter)].join(delimiter);

let directory: TempDir;
let program: string;
let packed: string[];

/** What a user does: the package as it is published, installed globally. */
beforeAll(async () => {
  directory = await tempDir();
  const npm = (...commandLine: string[]): string =>
    execFileSync('npm', commandLine, {
      cwd: root,
      env: { ...environment, PATH: path },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  npm('pack', '--pack-destination', directory.path);
  const [tarball = ''] = readdirSync(directory.path);
  packed = execFileSync('tar', ['-tf', directory.join(tarball)], { encoding: 'utf8' }).split('\n');
  const quiet = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  npm('install', '--global', '--prefix', directory.join('prefix'), ...quiet, directory.join(tarball));
  program = directory.join('prefix/bin/understudy');
});

afterAll(() => directory[Symbol.asyncDispose]());

test('the package holds the program, its licence and no tests', () => {
  expect(packed).toEqual(expect.arrayContaining(['package/dist/main.js', 'package/LICENSE', 'package/README.md']));
  expect(packed.filter((file) => /\.test\.|\/testing\/|\/fixture\/|Suite\.|\/src\/|\.ts$/.test(file))).toEqual([]);
});

test('the installed program runs from any directory', () => {
  const options = { cwd: '/', env: { ...environment, PATH: path }, encoding: 'utf8' } as const;
  expect(execFileSync(program, ['--version'], options)).toContain(manifest.version);
  const help = execFileSync(program, ['--help'], options);
  expect(help).toContain('Usage: understudy');
  expect(help).toContain('doctor');
});

test('an old Node is told so in two lines, without a stack', () => {
  const { status, stdout, stderr } = runWithOldNode('--version');
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^understudy: Node\.js 24 or newer is needed, this is v\d+/),
    expect.stringMatching(/^hint: /),
  ]);
  expect(status).toBe(1);
});

/** The machine's own Node where that is an old one, else the modern one that claims to be old. */
function runWithOldNode(...commandLine: string[]): { status: number | null; stdout: string; stderr: string } {
  const system = '/usr/bin/node';
  const version = existsSync(system) ? execFileSync(system, ['--version'], { encoding: 'utf8' }) : '';
  const isOld = /^v(\d|1\d|2[0-3])\./.test(version);
  const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})`;
  const node = isOld ? [system] : [process.execPath, '--import', pretend];
  const [executable = '', ...rest] = [...node, program, ...commandLine];
  return spawnSync(executable, rest, { env: environment, encoding: 'utf8' });
}
