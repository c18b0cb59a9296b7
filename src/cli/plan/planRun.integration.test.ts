import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseEvidence } from '../../recovery/evidenceSchema.ts';
import { listProcesses } from '../../testing/processes.ts';
import { waitFor } from '../../testing/waitFor.ts';
import { PlanBench } from './fixture/planBench.ts';

/** A command line that is only ours. */
const sleep = `sleep ${100_000 + process.pid}`;

/** Notes that it began, waits to be killed the first time it is done, and notes that it is done. */
function slowStep(bench: PlanBench, id: string, more: object) {
  const at = (name: string) => bench.directory.join(name);
  const shell = `echo ${id} >> ${at('began')}; [ -e ${at(`killed-${id}`)} ] || exec ${sleep}; echo ${id} >> ${at('done')}`;
  return { id, title: `Step ${id}`, kind: 'run', shell, repeatable: true, ...more };
}

test('a run that is killed in each step goes on there, and nobody is left over', async () => {
  await using bench = await PlanBench.open();
  const ids = ['one', 'two', 'three'];
  const steps = ids.map((id, index) => slowStep(bench, id, { needs: ids.slice(Math.max(0, index - 1), index) }));
  const plan = bench.plan('killed', { objective: { rto: '1h' }, owner: 'Anna', steps });
  let words = ['plan', 'run', plan, '--runs', bench.runs];
  for (const id of ids) {
    const running = bench.start(words);
    await waitFor(() => bench.lines('began').includes(id), { what: `step ${id}` });
    running.child.kill('SIGKILL');
    await running.ended();
    writeFileSync(bench.directory.join(`killed-${id}`), '');
    words = ['plan', 'run', '--resume', 'latest', '--runs', bench.runs];
  }
  const { status, output } = await bench.run(words);
  expect(output).toContain('the run is over: passed');
  expect(status).toBe(0);
  expect(bench.lines('done')).toEqual(ids);
  expect(bench.lines('began')).toEqual(ids.flatMap((id) => [id, id]));
  expect(listProcesses().filter(({ command }) => command === sleep)).toEqual([]);
  expect(bench.evidence()).toMatchObject({
    result: { verdict: 'passed', rtoMet: true },
    timeline: { resumptions: 3, steps: ids.map((id) => ({ id, status: 'succeeded', attempts: 2 })) },
    contacts: [{ name: 'Anna Weiss', role: 'DBA', phone: '+41 1', email: null }],
  });
  const again = await bench.run(words);
  expect(again).toMatchObject({ status: 2, output: expect.stringContaining('is over: passed') });
});

test('two processes do not carry out one run, and decisions come from elsewhere', async () => {
  await using bench = await PlanBench.open();
  const plan = bench.plan('asking', {
    steps: [
      { id: 'look', title: 'Look', kind: 'approve', prompt: 'Is it good?' },
      { id: 'after', title: 'After', kind: 'run', command: ['true'], needs: ['look'] },
    ],
  });
  const running = bench.start(['plan', 'run', plan, '--runs', bench.runs]);
  await waitFor(() => running.output().includes('waits for a person'), { what: 'the question' });
  const second = await bench.run(['plan', 'run', '--resume', 'latest', '--runs', bench.runs, '--json']);
  expect(second).toMatchObject({ status: 11, output: expect.stringContaining('run-busy') });
  const early = await bench.run(['plan', 'approve', 'latest', 'after', '--runs', bench.runs]);
  expect(early).toMatchObject({ status: 2, output: expect.stringContaining('waits for nobody') });
  const skipped = await bench.run(['plan', 'skip', 'latest', 'after', '--runs', bench.runs]);
  expect(skipped).toMatchObject({ status: 2, output: expect.stringContaining('for a reason') });
  const words = [
    'plan',
    'approve',
    'latest',
    'look',
    '--by',
    'Berta',
    '--note',
    'rows are there',
    '--runs',
    bench.runs,
  ];
  expect((await bench.run(words)).status).toBe(0);
  expect(await running.ended()).toMatchObject({ status: 0 });
  expect(bench.evidence().authority.decisions).toMatchObject([
    { by: 'Berta', decided: 'approved', step: 'look', reason: 'rows are there' },
  ]);
  expect(bench.evidence().result.humanSeconds).toBeGreaterThan(0);
  const list = await bench.run(['plan', 'status', '--runs', bench.runs, '--json']);
  expect(JSON.parse(list.output)).toMatchObject({ message_type: 'run', evidence: { result: { verdict: 'passed' } } });
});

test('a drill leaves nothing behind, also when it was killed', async () => {
  await using bench = await PlanBench.open();
  const plan = bench.plan('drilled', {
    steps: [{ id: 'a', title: 'A', kind: 'run', shell: `touch here; setsid ${sleep} & ${sleep}` }],
  });
  const words = ['drill', 'run', plan, '--runs', bench.runs, '--scratch', bench.sandboxes];
  const running = bench.start(words);
  const sleepers = () => listProcesses().filter(({ command }) => command === sleep);
  await waitFor(() => sleepers().length === 2, { what: 'the step' });
  running.child.kill('SIGKILL');
  await running.ended();
  expect(readdirSync(bench.sandboxes)).toHaveLength(1);
  const resumed = await bench.run(['plan', 'run', '--resume', 'latest', '--runs', bench.runs]);
  expect(resumed).toMatchObject({ status: 2, output: expect.stringContaining('its sandbox is gone') });
  const quick = bench.plan('quick', {
    parameters: { what: { description: 'w', default: 'one' } },
    steps: [{ id: 'a', title: 'Do ${what}', kind: 'run', shell: `pwd; setsid ${sleep} & touch here` }],
  });
  const places = ['--runs', bench.runs, '--scratch', bench.sandboxes];
  const second = await bench.run(['drill', 'run', quick, '--set', 'what=two', ...places]);
  expect(second.output).toContain('begins: Do two');
  expect(second.status).toBe(0);
  expect(readdirSync(bench.sandboxes)).toEqual([]);
  await waitFor(() => sleepers().length === 0, { what: 'end of what the steps left' });
  const list = await bench.run(['drill', 'list', '--runs', bench.runs]);
  expect(list.output).toMatch(/drilled.*inconclusive/);
  const [killed] = readdirSync(bench.runs).sort();
  const evidence = parseEvidence(readFileSync(join(bench.runs, killed ?? '', 'evidence.json')));
  expect(evidence).toMatchObject({
    result: { verdict: 'inconclusive' },
    timeline: { steps: [{ status: 'interrupted' }] },
  });
  expect(evidence?.result.interruptedSeconds).toBeGreaterThan(0);
  expect(list.output).toMatch(/quick.*passed/);
  const shown = await bench.run(['drill', 'show', 'latest', '--runs', bench.runs, '--format', 'html']);
  expect(shown.output).toContain('<h1>Drill: quick</h1>');
});

test('no secret is in journal, evidence, output or arguments', async () => {
  await using bench = await PlanBench.open();
  const shell = 'tr "\\0" " " < /proc/$$/cmdline > arguments; echo "$PGPASSWORD"; echo "error: $URL" >&2; exit 1';
  const plan = bench.plan('secretive', {
    parameters: {
      password: { description: 'p', secret: true, environment: 'MARK_ONE' },
      url: { description: 'u', secret: true, environment: 'MARK_TWO' },
    },
    steps: [
      { id: 'a', title: 'A', kind: 'run', shell, environment: { PGPASSWORD: '${password}', URL: '${url}' } },
      { id: 'b', title: 'B', kind: 'sql', connection: '${url}', statement: 'select 1' },
    ],
  });
  const secrets = { MARK_ONE: 'marker-swordfish-1', MARK_TWO: 'postgresql://u:marker-swordfish-2@127.0.0.1:1/d' };
  const { status, output } = await bench.run(['plan', 'run', plan, '--runs', bench.runs, '--json', '-v'], secrets);
  expect(status).toBe(1);
  expect(output).toContain('[redacted]');
  expect(output).toContain('plan-failed');
  const files = readdirSync(bench.runs, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(`${file.parentPath}/${file.name}`, 'utf8'));
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['a-1.log', 'arguments', 'evidence.html']));
  expect([output, ...texts].filter((text) => text.includes('swordfish'))).toEqual([]);
  const missing = await bench.run(['plan', 'run', plan, '--runs', bench.runs]);
  expect(missing).toMatchObject({ status: 2, output: expect.stringContaining('MARK_ONE') });
});

test('a plan that is wrong is told with its lines, and is not begun', async () => {
  await using bench = await PlanBench.open();
  const path = bench.plan('wrong', {
    steps: [{ id: 'a', title: 'A', kind: 'run', comand: ['true'], needs: ['b'] }],
  });
  const checked = await bench.run(['plan', 'check', path]);
  expect(checked.status).toBe(2);
  expect(checked.output).toMatch(/wrong\.yaml:\d+: unknown key "comand" in steps\.0\n {2}did you mean "command"\?/);
  const kind = bench.plan('kind', { steps: [{ id: 'a', title: 'A', kind: 'restore-tabel' }] });
  expect((await bench.run(['plan', 'check', kind])).output).toMatch(/kind\.yaml:8: steps\.0\.kind: expected restore-/);
  const run = await bench.run(['plan', 'run', path, '--runs', bench.runs]);
  expect(run).toMatchObject({ status: 2, output: expect.stringContaining('unknown key') });
  const port = bench.plan('port', {
    parameters: { number: { description: 'n', default: 1 }, url: { description: 'u', default: 'none' } },
    steps: [
      { id: 'a', title: 'A', kind: 'wait', port: { number: '${number}' } },
      { id: 'b', title: 'B', kind: 'run', command: ['echo', '${url}'] },
    ],
  });
  const unfit = await bench.run(['plan', 'run', port, '--runs', bench.runs, '--set', 'number=99999']);
  expect(unfit).toMatchObject({ status: 2, output: expect.stringContaining('steps.0.port.number') });
  const clear = ['--set', 'url=postgresql://u:swordfish@h/d'];
  const told = await bench.run(['plan', 'run', port, '--runs', bench.runs, ...clear]);
  expect(told).toMatchObject({ status: 2, output: expect.stringContaining('holds a secret in clear') });
  expect(existsSync(bench.runs)).toBe(false);
});

test('built-in plans are right, and print as runbooks that work without us', async () => {
  await using bench = await PlanBench.open();
  const checked = await bench.run(['plan', 'check']);
  expect(checked.status).toBe(0);
  expect(checked.output.match(/nothing wrong/g)?.length).toBeGreaterThanOrEqual(4);
  const paper = await bench.run(['plan', 'print', 'complete-system-recovery']);
  expect(paper.output).toContain(
    'restic restore latest --tag kind:postgres,source:main --include /main/pgdata --target',
  );
  expect(paper.output).toContain('- Anna Weiss, DBA, +41 1');
  const page = await bench.run(['plan', 'print', 'point-in-time-recovery', '--format', 'html']);
  expect(page.output).toContain('<!doctype html>');
});

test('a drill acts outside of its sandbox only where the plan allows it by name', async () => {
  await using bench = await PlanBench.open();
  const live = bench.directory.join('live');
  mkdirSync(live);
  writeFileSync(`${live}/config`, 'live');
  const drill = ['drill', 'run', '--runs', bench.runs, '--scratch', bench.sandboxes];
  for (const destination of [live, '../../../live']) {
    const values = ['--set', `destination=${destination}`, '--set', 'application=app'];
    const refused = await bench.run([...drill, 'configuration-recovery', ...values]);
    expect(refused).toMatchObject({ status: 2, output: expect.stringContaining(`it writes ${live}`) });
  }
  const notify = { id: 'a', title: 'A', kind: 'notify', command: ['tee', `${live}/told`], message: 'we drill' };
  const silent = await bench.run([...drill, bench.plan('silent', { steps: [notify] })]);
  expect(silent).toMatchObject({ status: 2, output: expect.stringContaining('`drill: true`') });
  expect(readdirSync(live)).toEqual(['config']);
  expect(readFileSync(`${live}/config`, 'utf8')).toBe('live');
  expect(existsSync(bench.runs)).toBe(false);
  expect(readdirSync(bench.sandboxes)).toEqual([]);
  const allowed = await bench.run([...drill, bench.plan('telling', { steps: [{ ...notify, drill: true }] })]);
  expect(allowed.status).toBe(0);
  expect(readFileSync(`${live}/told`, 'utf8')).toBe('we drill\n');
  expect(bench.evidence().target.isolation).toBe(null);
});

test('a former run that cannot be read keeps nobody from drilling', async () => {
  await using bench = await PlanBench.open();
  const step = { id: 'a', title: 'A', kind: 'run', command: ['true'] };
  const words = ['drill', 'run', bench.plan('sound', { steps: [step] })];
  const places = ['--runs', bench.runs, '--scratch', bench.sandboxes];
  expect((await bench.run([...words, ...places])).status).toBe(0);
  expect(bench.evidence().target.isolation).toContain('removed');
  const [former] = readdirSync(bench.runs);
  cpSync(`${bench.runs}/${former}`, `${bench.runs}/0-copied`, { recursive: true });
  mkdirSync(`${bench.runs}/0-broken`);
  writeFileSync(`${bench.runs}/0-broken/journal.ndjson`, 'not JSON\n');
  const second = await bench.run([...words, ...places]);
  expect(second).toMatchObject({ status: 0, output: expect.stringContaining('0-broken') });
  expect(second.output).toContain('0-copied');
  expect((await bench.run(['drill', 'list', '--runs', bench.runs])).output.match(/sound-.*passed/g)).toHaveLength(2);
});

test.each([
  ['a check that is not critical fails', {}, { critical: false, command: ['false'] }, 'A: false failed'],
  ['the clean-up fails', {}, { always: true, command: ['false'] }, 'A: false failed'],
  ['the objective is missed', { objective: { rto: '1ms' } }, { command: ['true'] }, 'took longer than its objective'],
])('a run in which %s is carried through, and does not end with status 0', async (_, parts, options, finding) => {
  await using bench = await PlanBench.open();
  const steps = [
    { id: 'a', title: 'A', kind: 'run', ...options },
    { id: 'b', title: 'B', kind: 'run', command: ['true'] },
  ];
  const plan = bench.plan('deviating', { ...parts, steps });
  for (const words of [
    ['plan', 'run'],
    ['drill', 'run', '--scratch', bench.sandboxes],
  ]) {
    const { status, output } = await bench.run([...words, plan, '--runs', bench.runs, '--json']);
    expect(status).toBe(3);
    const error = output.split('\n').find((line) => line.includes('"message_type":"error"'));
    expect(JSON.parse(error ?? '')).toMatchObject({ code: 'plan-deviations', hint: expect.stringContaining(finding) });
    expect(bench.evidence()).toMatchObject({ deviations: [{ finding: expect.stringContaining(finding) }] });
  }
});
