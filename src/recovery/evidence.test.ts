import { expect, test } from 'vitest';
import { composeEvidence } from './evidence.ts';
import { evidencePage } from './evidencePage.ts';
import { loadedRun, minutes } from './fixture/loadedRun.ts';

const contacts = [{ name: 'Anna <b>', role: 'DBA', phone: null, email: 'anna@example.org' }];
const done = { durationMs: 60_000, outputDigest: 'ab12', facts: {} };
const steps = [
  { id: 'restore', title: 'Restore', kind: 'restore-cluster', destination: 'd' },
  { id: 'ask', title: 'Ask', kind: 'approve', prompt: 'fine?', needs: ['restore'] },
  { id: 'lint', title: 'Lint', kind: 'run', command: ['x'], critical: false, owner: 'Bert' },
  { id: 'mail', title: 'Mail', kind: 'run', command: ['x'] },
  { id: 'never', title: 'Never', kind: 'run', command: ['x'], when: false },
];

function finished(objective: object) {
  const facts = { snapshot: 'abc', consistentAt: '2026-11-22 09:50:00.5+00' };
  return loadedRun({ steps, objective, owner: 'Anna' }, [
    [0, { type: 'step-begun', step: 'restore', attempt: 1 }],
    [2, { type: 'step-succeeded', step: 'restore', attempt: 1, ...done, summary: 'restored', facts }],
    [2, { type: 'step-waits', step: 'ask', why: 'approval' }],
    [12, { type: 'step-approved', step: 'ask', decision: '1', by: 'Berta', reason: '<script>alert(1)</script>' }],
    [12, { type: 'step-begun', step: 'lint', attempt: 1 }],
    [20, { type: 'attached', pid: 2, host: 'h', by: 'Carl' }],
    [20, { type: 'step-begun', step: 'lint', attempt: 2 }],
    [
      21,
      {
        type: 'step-failed',
        step: 'lint',
        attempt: 2,
        ...done,
        error: { code: 'program-failed', message: 'no', hint: null },
        retryInMs: null,
      },
    ],
    [21, { type: 'step-skipped', step: 'mail', decision: '2', by: 'Berta', reason: 'nobody reads it' }],
    [22, { type: 'ended', verdict: 'warned' }],
  ]);
}

test('machine time, waiting for people and interruptions are told apart, and add up', () => {
  const { result } = composeEvidence(finished({ rto: '30m', rpo: '15m' }), contacts);
  expect(result).toEqual({
    verdict: 'warned',
    rtoMet: true,
    recoveredTo: '2026-11-22T09:50:00.500Z',
    dataLossSeconds: 599.5,
    rpoMet: true,
    totalSeconds: minutes(22),
    machineSeconds: minutes(4),
    humanSeconds: minutes(10),
    interruptedSeconds: minutes(8),
  });
});

test('steps not run, decisions, backups and deviations are listed', () => {
  const evidence = composeEvidence(finished({ rto: '20m', rpo: '5m' }), contacts);
  expect(evidence.stepsNotRun).toEqual([
    { id: 'mail', title: 'Mail', reason: 'left out by Berta: nobody reads it' },
    { id: 'never', title: 'Never', reason: 'the plan leaves it out under these parameters' },
  ]);
  expect(evidence.authority.decisions).toMatchObject([
    { by: 'Berta', decided: 'approved', step: 'ask' },
    { by: 'Berta', decided: 'skipped', step: 'mail' },
  ]);
  expect(evidence.backups).toMatchObject([{ step: 'restore', kind: 'restore-cluster', snapshot: 'abc' }]);
  expect(evidence.deviations).toEqual([
    { step: 'lint', finding: 'Lint: no', severity: 'minor', owner: 'Bert', dueDate: '2026-12-22' },
    {
      step: 'mail',
      finding: 'Mail: left out by Berta: nobody reads it',
      severity: 'major',
      owner: 'Anna',
      dueDate: '2026-12-06',
    },
    {
      step: null,
      finding: expect.stringContaining('took longer'),
      severity: 'major',
      owner: 'Anna',
      dueDate: '2026-12-06',
    },
    {
      step: null,
      finding: expect.stringContaining('more was lost'),
      severity: 'major',
      owner: 'Anna',
      dueDate: '2026-12-06',
    },
  ]);
  expect(evidence.timeline.steps[2]).toMatchObject({ id: 'lint', attempts: 2, outputDigests: ['ab12'] });
});

test('without objectives nothing deviates from them, and a failed recovery is told by its step alone', () => {
  const [step] = steps;
  const error = { code: 'step-failed', message: 'no', hint: null };
  const failure = { type: 'step-failed', step: 'restore', attempt: 1, ...done, error, retryInMs: null } as const;
  const good = loadedRun({ steps: [step] }, [[1, { type: 'ended', verdict: 'passed' }]]);
  expect(composeEvidence(good, []).deviations).toEqual([]);
  const bad = loadedRun({ steps: [step], objective: { rto: '1h' } }, [
    [1, failure],
    [1, { type: 'ended', verdict: 'failed' }],
  ]);
  const { result, deviations } = composeEvidence(bad, []);
  expect(result.rtoMet).toBe(false);
  expect(deviations.map(({ finding }) => finding)).toEqual(['Restore: no']);
});

test('what is not known is null, not absent', () => {
  const run = loadedRun({ steps }, [[0, { type: 'step-begun', step: 'restore', attempt: 1 }]]);
  const { result, objective } = composeEvidence(run, []);
  expect(objective).toEqual({ rtoSeconds: null, rpoSeconds: null });
  expect(result).toMatchObject({ verdict: 'not finished', rtoMet: null, rpoMet: null, recoveredTo: null });
});

test('the page is one file without script, and what people wrote is escaped', () => {
  const text = evidencePage(composeEvidence(finished({ rto: '30m' }), contacts));
  expect(text).toContain('Anna &#60;b&#62;');
  expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
  expect(text).not.toMatch(/<script|<link|src=|href=|@import|url\(/);
  expect(text).toContain('@media print');
  expect(text).toContain('2026-11-22 10:12:00 UTC');
  expect(text.match(/<table>/g)?.length).toBe(text.match(/<\/table>/g)?.length);
});

test('a backup that was not whole is a deviation of the step that restored it', () => {
  const [step] = steps;
  const facts = { snapshot: 'abc', flaw: 'it is incomplete' };
  const succeeded = {
    type: 'step-succeeded',
    step: 'restore',
    attempt: 1,
    ...done,
    summary: 'restored',
    facts,
  } as const;
  const run = loadedRun({ steps: [step] }, [
    [1, succeeded],
    [1, { type: 'ended', verdict: 'passed' }],
  ]);
  const { deviations } = composeEvidence(run, []);
  expect(deviations).toMatchObject([
    { finding: 'Restore: what was restored is no whole backup: it is incomplete', severity: 'major' },
  ]);
});
