import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newLocalRepository, passwordText } from '../../testing/repositories.ts';
import { tempDir, type TempDir } from '../../testing/tempDir.ts';

const program = join(import.meta.dirname, '../../main.ts');
let dir: TempDir;

beforeAll(async () => {
  dir = await tempDir();
  await newLocalRepository(dir.join('repository'));
  mkdirSync(dir.join('app'));
  writeFileSync(dir.join('app/settings.json'), '{"port":80}');
  mkdirSync(dir.join('notes'));
});
afterAll(() => dir[Symbol.asyncDispose]());

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function configure(command: string): void {
  const app = `{ name: settings are JSON, command: ${JSON.stringify(command)} }`;
  writeFileSync(
    dir.join('understudy.yaml'),
    `verify: { directory: ${dir.path} }
sources:
  app: { kind: files, paths: [app], verify: { assertions: [${app}] } }
  notes: { kind: files, paths: [notes, gone] }
`,
  );
}

function understudy(...words: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    UNDERSTUDY_REPOSITORY: dir.join('repository'),
    UNDERSTUDY_PASSWORD: passwordText,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], { env, cwd: dir.path }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function lines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
}

test('each new backup is verified as far as it makes sense, and the proof is kept', async () => {
  configure(`'${process.execPath}' -p 'JSON.parse(fs.readFileSync("settings.json"))'`);
  const both = await understudy('backup', '--verify', '--json');
  expect(both.status).toBe(3); // of notes a path is missing
  const results = lines(both.stdout).filter(({ message_type: type }) => type === 'summary' || type === 'proof');
  expect(results).toMatchObject([
    { message_type: 'summary', source: 'app' },
    { message_type: 'proof', verdict: 'passed', level: 5, snapshot: { source: 'app' } },
    { message_type: 'summary', source: 'notes' },
    { message_type: 'proof', verdict: 'passed', level: 4, snapshot: { source: 'notes' } },
  ]);
  const history = await understudy('verify', '--history', '--json');
  expect(lines(history.stdout).filter(({ verdict }) => verdict === 'passed')).toHaveLength(2);
});

test('a backup that is not good is told as one that exists, and ends with 1 or 4', async () => {
  configure('grep -q 443 settings.json');
  const failed = await understudy('backup', 'app', '--verify');
  expect(failed.status).toBe(1);
  expect(failed.stdout).toMatch(/^app: snapshot [0-9a-f]{8} in /);
  expect(failed.stdout).toMatch(/failed +settings are JSON: exit status 1; expected exit status 0/);
  expect(failed.stderr).toMatch(
    /app was backed up, but snapshot [0-9a-f]{8} was verified and is not good: settings are/,
  );
  expect(failed.stderr).toContain('the snapshot is kept');

  configure('no-such-program');
  const untested = await understudy('backup', '--verify', '--json');
  expect(untested.status).toBe(4);
  expect(lines(untested.stderr).at(-1)).toMatchObject({
    code: 'verification-inconclusive',
    message: '2 of 2 sources failed',
  });

  const structure = await understudy('backup', 'app', '--verify', '2', '--json');
  expect(structure.status).toBe(0);
  expect(lines(structure.stdout).at(-1)).toMatchObject({ message_type: 'proof', level: 2, verdict: 'passed' });
});

test('a level that cannot be reached is refused before anything is backed up', async () => {
  configure('true');
  const refused = await understudy('backup', '--verify', '5', '--json');
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(lines(refused.stderr).at(-1)).toMatchObject({
    code: 'usage',
    message: '--verify 5: nothing is asserted about notes',
  });
  const unread = await understudy('backup', '--verify', 'app', '--json');
  expect(lines(unread.stderr).at(-1)).toMatchObject({ code: 'usage' });
});
