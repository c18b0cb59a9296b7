import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');
let directory: string;
let environment: Record<string, string>;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'main-'));
  environment = { PATH: process.env['PATH'] ?? '', HOME: directory };
});
afterAll(() => rmSync(directory, { recursive: true }));

function understudy(words: readonly string[], extra: Record<string, string> = {}) {
  return spawnSync(process.execPath, [main, ...words], {
    encoding: 'utf8',
    cwd: directory,
    env: { ...environment, ...extra },
  });
}

function configFile(text: string): string {
  const path = join(directory, 'test.yaml');
  writeFileSync(path, text);
  return path;
}

test.each([
  ['unknown option', ['version', '--jsno'], "unknown option '--jsno'", 'did you mean --json?'],
  ['unknown command', ['versoin'], "unknown command 'versoin'", 'did you mean version?'],
  ['missing argument', ['completion'], "missing required argument 'shell'", 'understudy completion --help'],
  ['wrong argument', ['completion', 'fishy'], 'there is no completion for "fishy"', 'did you mean "fish"?'],
  ['wrong value', ['doctor', '--retry-lock', 'soon'], '--retry-lock: expected a duration', '--help'],
  ['missing configuration', ['doctor', '--config', 'no.yaml'], 'no.yaml does not exist', '--config'],
])('%s: one line, a hint, no stack, exit code 2', (_case, words, message, hint) => {
  const { status, stdout, stderr } = understudy(words);
  const lines = stderr.split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^understudy: /);
  expect(lines[0]).toContain(message);
  expect(lines[1]).toMatch(/^hint: /);
  expect(lines[1]).toContain(hint);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('a typing mistake in the configuration is shown with its line', () => {
  const path = configFile('repository:\n  locaton: /backup\n');
  const { status, stdout, stderr } = understudy(['doctor'], { UNDERSTUDY_CONFIG: path });
  expect(stderr).toBe(`understudy: ${path}:2: unknown key "locaton" in repository\nhint: did you mean "location"?\n`);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('a missing password file is found by doctor, which then fails', () => {
  const { status, stdout } = understudy(['doctor', '--repo', 'r', '--password-file', 'none']);
  expect(stdout).toContain('password file none does not exist');
  expect(status).toBe(1);
});

test('doctor with --json prints its findings as objects and fails with one', () => {
  const { status, stdout, stderr } = understudy(['doctor', '--json']);
  const findings = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(findings).toContainEqual(
    expect.objectContaining({ message_type: 'finding', check: 'repository', verdict: 'failed' }),
  );
  expect(JSON.parse(stderr)).toMatchObject({ code: 'check-failed' });
  expect(status).toBe(1);
});

test('with --json an error is one object', () => {
  const { status, stdout, stderr } = understudy(['versoin', '--json']);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(stderr)).toMatchObject({ message_type: 'error', code: 'usage', exit: 2, hint: expect.any(String) });
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('help and version go to standard output, whatever the place of the flag', () => {
  for (const words of [
    [],
    ['--help'],
    ['help'],
    ['doctor', '--help'],
    ['--version'],
    ['version'],
    ['--json', 'version'],
  ]) {
    const { status, stdout, stderr } = understudy(words);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/understudy|0\.\d/);
    expect(status).toBe(0);
  }
  expect(understudy(['doctor', '--help']).stdout).toContain('Examples:\n  understudy doctor\n');
});

test('every failure of `wal get` but a proved absence stops recovery', () => {
  for (const words of [
    ['wal', 'get'],
    ['--config', 'no.yaml', 'wal', 'get', 'a', 'b'],
    ['wal', 'get', '--nonsense'],
  ]) {
    expect(understudy(words).status).toBeGreaterThanOrEqual(126);
  }
});

test('an old Node.js is told in one line', () => {
  const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.1.0'}})`;
  const { status, stderr } = understudy(['version'], { NODE_OPTIONS: `--import "${pretend}"` });
  expect(stderr).toMatch(/^understudy: Node\.js 24 or newer is needed, this is v.*\nhint: .*\n$/);
  expect(status).toBe(1);
});

test('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, [main, 'completion', 'bash'], { env: environment });
  child.stdout.destroy();
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  expect(errors).toBe('');
  expect(status).toBe(0);
});

test('SIGHUP is ignored; SIGINT stops the command with status 130', async () => {
  const child = spawn(process.execPath, [main, 'doctor', '--repo', 'r'], {
    cwd: directory,
    env: { ...environment, UNDERSTUDY_PASSWORD_COMMAND: 'echo waiting >&2; exec sleep 60' },
  });
  let errors = '';
  for await (const chunk of child.stderr) {
    errors += String(chunk);
    if (errors === 'waiting\n') {
      child.kill('SIGHUP');
      child.kill('SIGINT');
    }
  }
  if (child.exitCode === null) await once(child, 'exit');
  expect(errors).toBe('waiting\nunderstudy: stopped by SIGINT\n');
  expect(child.exitCode).toBe(130);
});

test('the log file gets begin and failure with the cause, the terminal one line', () => {
  const path = join(directory, 'run.log');
  const { stderr } = understudy(['doctor', '--log-file', path, '--config', configFile('a: [')]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  const [begin, failure] = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(begin).toMatchObject({ level: 'info', msg: 'command begins', command: 'doctor' });
  expect(failure).toMatchObject({ level: 'error', err: { code: 'config-invalid' } });
  const unwritable = understudy(['doctor', '--log-file', join(directory, 'no', 'x.log')]);
  expect(unwritable).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^understudy: cannot write log file.*\nhint: .*\n$/),
  });
});
