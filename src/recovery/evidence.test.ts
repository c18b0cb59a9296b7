import { expect, test } from 'vitest';
import { composeEvidence } from './evidence.ts';
import type { LoadedRun } from './runDirectory.ts';
import { parseEvidence, serializeEvidence } from './evidenceSchema.ts';
import type { Facts } from './runEvent.ts';
import type { Proof } from '../verify/proof.ts';
import { sight, surroundings } from './fixture/surroundings.ts';
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

function finished(objective: object): LoadedRun {
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
  const { result } = composeEvidence(finished({ rto: '30m', rpo: '15m' }), surroundings({ contacts }));
  expect(result).toEqual({
    verdict: 'warned',
    reasonClass: 'backup',
    reason: 'Lint: no',
    recoverySeconds: minutes(22),
    restoreSeconds: minutes(2),
    restoredBytes: null,
    restoredRows: null,
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
  const evidence = composeEvidence(finished({ rto: '20m', rpo: '5m' }), surroundings({ contacts }));
  expect(evidence.stepsNotRun).toEqual([
    { id: 'mail', title: 'Mail', reason: 'left out by Berta: nobody reads it' },
    { id: 'never', title: 'Never', reason: 'the plan leaves it out under these parameters' },
  ]);
  expect(evidence.authority.decisions).toMatchObject([
    { by: 'Berta', decided: 'approved', step: 'ask' },
    { by: 'Berta', decided: 'skipped', step: 'mail' },
  ]);
  expect(evidence.backups).toMatchObject([{ step: 'restore', kind: 'restore-cluster', snapshot: 'abc' }]);
  expect(evidence.deviations).toMatchObject([
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
  expect(composeEvidence(good, surroundings()).deviations).toEqual([]);
  const bad = loadedRun({ steps: [step], objective: { rto: '1h' } }, [
    [1, failure],
    [1, { type: 'ended', verdict: 'failed' }],
  ]);
  const { result, deviations } = composeEvidence(bad, surroundings());
  expect(result.rtoMet).toBe(false);
  expect(deviations.map(({ finding }) => finding)).toEqual(['Restore: no']);
});

test('what is not known is null, not absent', () => {
  const run = loadedRun({ steps }, [[0, { type: 'step-begun', step: 'restore', attempt: 1 }]]);
  const { result, objective } = composeEvidence(run, surroundings());
  expect(objective).toMatchObject({ rtoSeconds: null, rpoSeconds: null, scenario: null });
  expect(result).toMatchObject({ verdict: 'not finished', rtoMet: null, rpoMet: null, recoveredTo: null });
});

test('the page is one file without script, and what people wrote is escaped', () => {
  const text = evidencePage(composeEvidence(finished({ rto: '30m' }), surroundings({ contacts })));
  expect(text).toContain('Anna &#60;b&#62;');
  expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
  expect(text).not.toMatch(/<script|<link|src=|href=|@import|url\(/);
  expect(text).toContain('@media print');
  expect(text).toContain('2026-11-22 10:12:00 UTC');
  expect(text.match(/<table[ >]/g)?.length).toBe(text.match(/<\/table>/g)?.length);
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
  const { deviations, result } = composeEvidence(run, surroundings());
  expect(result).toMatchObject({ verdict: 'warned', reasonClass: 'backup', reason: deviations[0]?.finding });
  expect(deviations).toMatchObject([
    { finding: 'Restore: what was restored is no whole backup: it is incomplete', severity: 'major' },
  ]);
});

const reasonless = 'no reason is recorded';

test('every null has its reason, and every reason a null', () => {
  const unfinished = loadedRun({ steps }, [[0, { type: 'step-begun', step: 'restore', attempt: 1 }]]);
  const known = { sources: [{ name: 'main', kind: 'postgres', tier: null, tlsMode: 'prefer' }], contacts };
  for (const run of [finished({ rto: '1h' }), unfinished]) {
    for (const around of [surroundings(), surroundings(known), surroundings({ repository: sight() })]) {
      const evidence = composeEvidence(run, around);
      const { unknown, ...document } = evidence;
      expect(Object.keys(unknown).toSorted()).toEqual([...new Set(nullPaths(document))].toSorted());
      expect(Object.entries(unknown).filter(([, reason]) => reason === reasonless)).toEqual([]);
      expect(parseEvidence(serializeEvidence(evidence))).toEqual(evidence);
      expect(evidencePage(evidence)).not.toContain('undefined');
    }
  }
});

function nullPaths(value: unknown, path: readonly string[] = []): string[] {
  if (value === null) return [path.join('.')];
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) =>
    nullPaths(item, [...path, Array.isArray(value) || path.at(-1) === 'facts' ? '*' : key]),
  );
}

test('what the repository knows of a backup stands beside what the step says', () => {
  const evidence = composeEvidence(finished({}), surroundings({ repository: sight() }));
  expect(evidence.backups).toMatchObject([
    { snapshot: 'abc', source: 'main', startLsn: '0/1', keyId: 'k1', location: 'local:/backup', sizeBytes: 5 },
  ]);
  expect(evidence.controls).toMatchObject({ keyId: 'k1', keyTestedAt: '2026-11-22T10:23:00.000Z' });
  expect(evidence.copies.known).toMatchObject([{ location: 'local:/backup', lastRestoreFrom: expect.any(String) }]);
  expect(evidence.scope).toMatchObject({ systems: [{ source: 'main' }], databases: ['shop'] });
});

test('a rehearsal that only its surroundings ended is inconclusive; one that the backup ended has failed', () => {
  const [step] = steps;
  const ended = (code: string, drill = true) => {
    const error = { code, message: 'no', hint: null };
    const failure = { type: 'step-failed', step: 'restore', attempt: 1, ...done, error, retryInMs: null } as const;
    const run = loadedRun({ steps: [step] }, [
      [1, failure],
      [1, { type: 'ended', verdict: 'failed' }],
    ]);
    const { state } = run;
    const { result } = composeEvidence(
      { ...run, state: { ...state, begun: { ...state.begun, drill } } },
      surroundings(),
    );
    return [result.verdict, result.reasonClass];
  };
  expect(ended('destination-full')).toEqual(['inconclusive', 'tester']);
  expect(ended('destination-full', false)).toEqual(['failed', 'tester']);
  expect(ended('repository-damaged')).toEqual(['failed', 'backup']);
  expect(ended('step-declined')).toEqual(['failed', 'policy']);
});

test('recovery time runs from the declaration until the application answers', () => {
  const asking = { id: 'ask', title: 'Ask the application', kind: 'http', url: 'http://x', needs: ['restore'] };
  const run = loadedRun({ steps: [steps[0], asking], objective: { rto: '10m' } }, [
    [0, { type: 'step-begun', step: 'restore', attempt: 1 }],
    [2, { type: 'step-succeeded', step: 'restore', attempt: 1, ...done, summary: 'restored' }],
    [2, { type: 'step-begun', step: 'ask', attempt: 1 }],
    [4, { type: 'step-succeeded', step: 'ask', attempt: 1, ...done, summary: 'fine' }],
    [30, { type: 'ended', verdict: 'passed' }],
  ]);
  const { result, checks } = composeEvidence(run, surroundings());
  expect(result).toMatchObject({ recoverySeconds: minutes(4), rtoMet: true, verdict: 'passed' });
  expect(checks).toMatchObject([{ name: 'Ask the application', tier: 'application', status: 'passed' }]);
  const declaredAt = new Date(Date.parse(run.state.begun.at) - minutes(20) * 1000).toISOString();
  const circumstances = { declaredAt, ticket: 'CHG-1', scenario: 'the machine is gone', unavailable: ['Anna'] };
  const begun = { ...run.state.begun, circumstances };
  const declared = composeEvidence({ ...run, state: { ...run.state, begun } }, surroundings());
  expect(declared.result).toMatchObject({
    recoverySeconds: minutes(24),
    rtoMet: false,
    verdict: 'warned',
    reasonClass: 'policy',
  });
  expect(declared.authority.changeTicket).toBe('CHG-1');
});

test('a table without its indexes, and a dump that lacks parts, are deviations', () => {
  const table = { id: 'table', title: 'Table', kind: 'restore-table', tables: ['a.b'], connection: 'postgresql://h/d' };
  const facts = { notMade: '2 indexes or constraints', lacking: 3 };
  const run = loadedRun({ steps: [table] }, [
    [1, { type: 'step-succeeded', step: 'table', attempt: 1, ...done, summary: 'restored', facts }],
    [1, { type: 'ended', verdict: 'passed' }],
  ]);
  expect(composeEvidence(run, surroundings()).deviations).toMatchObject([
    { id: 'D1', finding: 'Table: the rows are there, but 2 indexes or constraints could not be made' },
    { id: 'D2', finding: 'Table: the dump lacks 3 parts of the database' },
  ]);
});

test('what earlier runs left open is carried over, once, until somebody closes it', () => {
  const first = composeEvidence(finished({}), surroundings());
  const [lint, mail] = first.deviations;
  const second = { ...first, report: { ...first.report, id: 'r2' } };
  const closed = { ...first, deviations: [lint!, { ...mail!, status: 'closed' as const }] };
  const since = { ...first, deviations: [{ ...lint!, dueDate: '2026-11-01' }, mail!] };
  const repository = sight({ earlier: [since, second] });
  const run = finished({});
  const { carriedOver, trend, planChanged } = composeEvidence(run, surroundings({ repository }));
  expect(carriedOver).toMatchObject([
    { run: 'r2', id: 'D1', finding: 'Lint: no', foundAgain: true, dueDate: '2026-11-01', overdue: true },
    { run: 'r2', id: 'D2', finding: 'Mail: left out by Berta: nobody reads it' },
  ]);
  const seen = sight({ earlier: [since, { ...closed, report: second.report }] });
  const later = composeEvidence(run, surroundings({ repository: seen }));
  expect(later.carriedOver).toMatchObject([{ run: 'r2', id: 'D1' }]);
  expect(trend).toMatchObject({ tests: [{ id: 'r1', result: 'warned' }, { id: 'r2' }], missedMonths: [] });
  expect(planChanged).toBe(false);
});

test('the month of a run is not missed in its own evidence', () => {
  const first = composeEvidence(finished({}), surroundings());
  const begunAt = '2026-09-01T10:00:00.000Z';
  const earlier = [{ ...first, timeline: { ...first.timeline, begunAt } }];
  const { trend } = composeEvidence(finished({}), surroundings({ repository: sight({ earlier }) }));
  expect(trend?.missedMonths).toEqual(['2026-10']);
});

test('a proof that failed is a finding, whatever a later one that looked less deep, or at a part, has found', () => {
  const check = { name: 'rows', level: 4, status: 'failed', expected: '3', actual: '2' } as const;
  const proof = (level: 1 | 4, checks: Proof['checks']) =>
    ({ level, checks, snapshot: { id: 'abc' }, startedAt: '2026-11-20T00:00:00Z' }) as Proof;
  const proofs = [
    { ...proof(4, []), partial: true },
    proof(1, []),
    proof(4, [{ ...check, detail: [], hint: null, durationMs: 1 }]),
  ];
  const run = loadedRun({ steps: [steps[0]] }, [
    [1, { type: 'step-succeeded', step: 'restore', attempt: 1, ...done, summary: '', facts: { snapshot: 'abc' } }],
    [1, { type: 'ended', verdict: 'passed' }],
  ]);
  const { result, deviations } = composeEvidence(run, surroundings({ repository: sight({ proofs }) }));
  expect(deviations).toMatchObject([{ finding: 'proof of abc, 2026-11-20: rows failed: 2', severity: 'major' }]);
  expect(result).toMatchObject({ verdict: 'warned', reasonClass: 'backup' });
});

test('checks have not passed, nor is the application healthy, when one of them failed', () => {
  const ask = (id: string, kind: 'sql' | 'http') => ({
    id,
    title: id,
    kind,
    needs: ['restore'],
    critical: false,
    ...(kind === 'sql' ? { statement: 'SELECT 1', connection: 'postgresql://h/d' } : { url: 'http://x' }),
  });
  const asked = [ask('s1', 'sql'), ask('s2', 'sql'), ask('h1', 'http'), ask('h2', 'http')];
  const good = (step: string) => ({ type: 'step-succeeded', step, attempt: 1, ...done, summary: '' }) as const;
  const error = { code: 'step-failed', message: 'no', hint: null };
  const bad = (step: string) => ({ type: 'step-failed', step, attempt: 1, ...done, error, retryInMs: null }) as const;
  const { timeline, result } = composeEvidence(
    loadedRun({ steps: [steps[0], ...asked], objective: { rto: '5m' } }, [
      ...[good('restore'), good('s1'), bad('s2'), good('h1'), bad('h2')].map((event) => [2, event] as const),
      [9, { type: 'ended', verdict: 'warned' }],
    ]),
    surroundings(),
  );
  expect(timeline.moments).toMatchObject({ checksPassedAt: null, applicationHealthyAt: null });
  expect(result).toMatchObject({ recoverySeconds: minutes(9), rtoMet: false });
});

test('a drill that restored nothing has no recovery time, nor has one whose clock was set back', () => {
  const parts = { steps: [steps[0]], objective: { rto: '1h' } };
  const skipped = loadedRun(parts, [
    [0, { type: 'step-skipped', step: 'restore', decision: '1', by: 'Berta', reason: 'no time' }],
    [1, { type: 'ended', verdict: 'warned' }],
  ]);
  expect(composeEvidence(skipped, surroundings()).result).toMatchObject({ recoverySeconds: null, rtoMet: null });
  const back = loadedRun(parts, [
    [0, { type: 'step-begun', step: 'restore', attempt: 1 }],
    [90, { type: 'step-succeeded', step: 'restore', attempt: 1, ...done, summary: '' }],
    [30, { type: 'ended', verdict: 'passed' }],
  ]);
  const { result, deviations } = composeEvidence(back, surroundings());
  expect(result).toMatchObject({ verdict: 'warned', recoverySeconds: null, rtoMet: null, totalSeconds: minutes(90) });
  expect(deviations).toMatchObject([{ finding: expect.stringContaining('set back by 1 h') }]);
});

test('what a drill left behind is a finding, and proves no isolation', () => {
  const run = loadedRun({ steps: [steps[0]] }, [[1, { type: 'ended', verdict: 'passed' }]]);
  const begun = { ...run.state.begun, directory: import.meta.dirname };
  const left = composeEvidence({ ...run, state: { ...run.state, begun } }, surroundings());
  expect(left).toMatchObject({ controls: { sandboxRemoved: false }, target: { isolation: null, notProduction: null } });
  expect(left.deviations).toMatchObject([{ finding: `what was restored is still in ${import.meta.dirname}` }]);
  expect(composeEvidence(run, surroundings()).target.isolation).toContain('removed');
});

test('data loss is not known when the point of one part is not', () => {
  const files = { id: 'files', title: 'Files', kind: 'restore-files', source: 'f', destination: 'f' };
  const at = (step: string, facts: Facts) =>
    [1, { type: 'step-succeeded', step, attempt: 1, ...done, summary: '', facts }] as const;
  const run = loadedRun({ steps: [steps[0], files], objective: { rpo: '1h' } }, [
    at('restore', { consistentAt: '2026-11-22T09:50:00Z' }),
    at('files', {}),
    [1, { type: 'ended', verdict: 'passed' }],
  ]);
  expect(composeEvidence(run, surroundings()).result).toMatchObject({ recoveredTo: null, rpoMet: null });
});
