import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Evidence } from '../src/recovery/evidenceSchema.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const configuration = `
repository: { location: repository }
evidence: { organisation: Acme, environment: test, signingKeyFile: evidence.key }
retention: { keepDaily: 7 }
sources:
  app: { kind: files, paths: [app] }
  other: { kind: files, paths: [other] }
contacts:
  - { name: Anna Weiss, role: DBA, phone: '+41 1' }
`;
const plan = `
format: 1
name: files
version: 1
description: Brings the files back.
owner: Anna Weiss
objective: { rto: 1h, rpo: 1d }
parameters:
  token: { description: A secret, secret: true, environment: TOKEN }
steps:
  - { id: restore, title: Restore, kind: restore-files, source: app, destination: app }
  - id: look
    title: Look at them
    kind: run
    needs: [restore]
    command: [sh, -c, 'echo "$TOKEN"; grep -r content app']
    environment: { TOKEN: '\${token}' }
  - { id: tell, title: Tell, kind: notify, drill: true, needs: [look], command: [cat], message: it works }
`;
const secret = 'swordfish-4711';

let dir: TempDir;

beforeAll(async () => {
  dir = await tempDir();
  await makeRepository(dir.join('repository'));
  writeFileSync(dir.join('understudy.yaml'), configuration);
  writeFileSync(dir.join('files.yaml'), plan);
  for (const name of ['app', 'other']) {
    mkdirSync(dir.join(name));
    writeFileSync(dir.join(`${name}/file`), 'content of a row');
  }
  expect(await understudy('evidence', 'keygen', 'evidence.key')).toMatchObject({ status: 0 });
  expect(await understudy('backup', 'app')).toMatchObject({ status: 0 });
});
afterAll(() => dir[Symbol.asyncDispose]());

function understudy(...words: readonly string[]): Promise<Outcome> {
  const environment = { ...repositoryEnvironment(dir.join('repository')), TOKEN: secret };
  return runProgram(words, { cwd: dir.path, environment });
}

function drill(...more: readonly string[]): Promise<Outcome> {
  return understudy('drill', 'run', 'files.yaml', '--runs', 'runs', '--by', 'Otto', ...more);
}

/** What the newest run wrote beside its journal. */
function written(): { readonly text: string; readonly evidence: Evidence } {
  const run = readdirSync(dir.join('runs')).sort().at(-1);
  const text = readFileSync(dir.join(`runs/${run}/evidence.json`), 'utf8');
  return { text, evidence: JSON.parse(text) as Evidence };
}

test('a drill is proved in the repository: reviewed by another, exported, checked with openssl, and found when changed', async () => {
  const first = await drill('--ticket', 'CHG-7', '--scenario', 'the disk is gone');
  expect(first, first.stderr).toMatchObject({ status: 0 });
  const { text, evidence } = written();
  expect(text).not.toContain(secret);
  expect(text).not.toContain('content of a row');
  expect(evidence).toMatchObject({
    report: { organisation: 'Acme', environment: 'test', exercise: 'simulation' },
    scope: { systems: [{ source: 'app', kind: 'files' }], outOfScope: [{ source: 'other' }] },
    authority: { changeTicket: 'CHG-7', startedBy: 'Otto' },
    objective: { scenario: 'the disk is gone' },
    backups: [{ source: 'app', backupKind: 'files', flaw: null, candidates: [{ chosen: true }] }],
    result: { verdict: 'passed', rtoMet: true, rpoMet: true, restoredBytes: 16 },
    checks: [{ name: 'Look at them', status: 'passed', expected: 'exit status 0' }],
    controls: { sandboxRemoved: true },
    retention: [{ group: 'source app (files)', kept: 1, rules: [{ rule: 'daily', filled: 1 }] }],
    notifications: [{ step: 'tell', channel: 'cat', delivered: true }],
    trend: { tests: [] },
    integrity: { previous: [] },
  });
  expect(evidence.copies.known[0]?.location).toContain(dir.join('repository'));

  const review = ['evidence', 'review', 'latest', '--decision', 'accepted', '--reviewer'];
  expect(await understudy(...review, ' otto ')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('took part'),
  });
  expect(await understudy(...review, '\uFF2F\u200Btto')).toMatchObject({ status: 2 });
  expect(await understudy(...review, ' ')).toMatchObject({ status: 2 });
  expect(await understudy(...review, 'Berta Roth')).toMatchObject({ status: 0 });
  const found = ['--finding', 'the runbook is old', '--severity', 'major', '--owner', 'Carl', '--due', '2026-01-02'];
  expect(await understudy('evidence', 'deviation', 'latest', ...found)).toMatchObject({ status: 0 });

  expect(await drill()).toMatchObject({ status: 0 });
  const second = written().evidence;
  expect(second).toMatchObject({
    carriedOver: [{ id: 'D1', finding: 'the runbook is old', owner: 'Carl', overdue: true, foundAgain: false }],
    planChanged: false,
    trend: { tests: [{ id: evidence.report.id, result: 'passed' }], missedMonths: [] },
    integrity: { previous: [{ id: evidence.report.id, amendments: [expect.any(String), expect.any(String)] }] },
  });
  expect(await understudy('evidence', 'deviation', evidence.report.id, 'D1', '--close', 'printed anew')).toMatchObject({
    status: 0,
  });
  const shown = await understudy('evidence', 'show', evidence.report.id);
  expect(shown.stdout).toContain('accepted by Berta Roth');
  expect(shown.stdout).toContain('D1: the runbook is old (closed: printed anew)');
  const list = await understudy('evidence', 'list', '--from', '2026-01', '--plan', 'files');
  expect(list.stdout).toMatch(/2026-01 .*MISSED/);
  expect(list.stdout).toMatch(/passed .*accepted by Berta Roth/);
  expect(await understudy('evidence', 'verify')).toMatchObject({ status: 0, stdout: expect.stringContaining('✔') });

  expect(await understudy('evidence', 'export', 'audit', '--from', '2026-01')).toMatchObject({ status: 0 });
  await checkedByHand('audit');
  expect(await understudy('evidence', 'export', 'handed', '--public-key', 'evidence.key')).toMatchObject({ status: 0 });
  expect(readFileSync(dir.join('handed/key-1.pub'), 'utf8')).toBe(readFileSync(dir.join('evidence.key.pub'), 'utf8'));
  unlinkSync(dir.join(`handed/${evidence.report.id}.dsse.json`));
  await expect(
    promisify(execFile)('sh', ['-eu', '-c', scripts('handed')[1] ?? ''], { cwd: dir.join('handed') }),
  ).rejects.toMatchObject({ stdout: expect.stringContaining('was taken away') });
  const report = dir.join(`audit/${evidence.report.id}.json`);
  expect(await understudy('evidence', 'verify', report)).toMatchObject({ status: 0 });
  chmodSync(report, 0o644);
  writeFileSync(report, readFileSync(report, 'utf8').replace('"Otto"', '"Anna"'));
  expect(await understudy('evidence', 'verify', report)).toMatchObject({ status: 1 });
  await expect(checkedByHand('audit')).rejects.toThrow();

  const object = dir.join(`repository/understudy/evidence/${day(evidence)}/${evidence.report.id}.json`);
  chmodSync(object, 0o600);
  const bytes = readFileSync(object);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(object, bytes);
  const verified = await understudy('evidence', 'verify', '--json');
  expect(verified.status).toBe(1);
  expect(codeOf(verified)).toBe('evidence-invalid');
});

test('a drill whose evidence cannot be stored does not end well, and is stored later', async () => {
  renameSync(dir.join('repository/understudy'), dir.join('aside'));
  writeFileSync(dir.join('repository/understudy'), 'in the way');
  const refused = await drill('--json');
  expect(refused.status).toBe(3);
  expect(codeOf(refused)).toBe('evidence-not-stored');
  expect(jsonLines(refused.stdout)).toContainEqual(
    expect.objectContaining({ message_type: 'run_ended', kept: 'failed' }),
  );
  expect(written().evidence.result.verdict).toBe('passed');
  renameSync(dir.join('repository/understudy'), dir.join('in-the-way'));
  expect(await understudy('evidence', 'store', 'latest', '--runs', 'runs')).toMatchObject({ status: 0 });
  expect((await understudy('evidence', 'list')).stdout).toContain(written().evidence.report.id);
});

function codeOf({ stdout, stderr }: Outcome): unknown {
  return jsonLines(stdout + stderr).find((line) => line['message_type'] === 'error')?.['code'];
}

function day({ timeline: { begunAt } }: Evidence): string {
  return `${begunAt.slice(0, 4)}/${begunAt.slice(5, 7)}`;
}

/** The scripts of VERIFY.md. */
function scripts(directory: string): string[] {
  const text = readFileSync(dir.join(`${directory}/VERIFY.md`), 'utf8');
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, script]) => script ?? '');
}

/** Follows VERIFY.md with a shell. */
async function checkedByHand(directory: string): Promise<void> {
  const cwd = dir.join(directory);
  const blocks = scripts(directory);
  expect(blocks).toHaveLength(3);
  for (const script of blocks) await promisify(execFile)('sh', ['-eu', '-c', script], { cwd });
}
