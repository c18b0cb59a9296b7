import { expect, test } from 'vitest';
import { readPlan } from './readPlan.ts';
import { stepKinds } from './stepKinds.ts';

const head = { format: 1, name: 'p', version: 2, description: 'brings it back' };
const step = { id: 'a', title: 'A', kind: 'run', command: ['true'] };

function read(parts: Readonly<Record<string, unknown>>, values = new Map<string, string | number | boolean>()) {
  return readPlan({ ...head, ...parts }, { kinds: stepKinds, values });
}

function problems(parts: Readonly<Record<string, unknown>>): string[] {
  return read(parts).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('a plan is read with its defaults', () => {
  const { plan } = read({ objective: { rto: '4h' }, steps: [{ ...step, timeout: '5m', retries: { times: 0 } }] });
  expect(plan).toMatchObject({ version: '2', objective: { rtoMs: 14_400_000, rpoMs: undefined }, parallel: 4 });
  expect(plan?.steps[0]).toMatchObject({
    needs: [],
    timeoutMs: 300_000,
    critical: true,
    repeatable: false,
    retries: { times: 0, delayMs: 1000 },
    options: { command: ['true'], environment: {} },
  });
});

test.each([
  ['${source} != none', 'none', false],
  ['${source} != none', 'my code', true],
  ['${source} == my code', 'my code', true],
])('a step is left out by comparison: %s with %s', (when, source, begins) => {
  const parts = { parameters: { source: { description: 's' } }, steps: [{ ...step, when }] };
  expect(read(parts, new Map([['source', source]])).plan?.steps[0]?.when).toBe(begins);
  const unclear = read({ ...parts, steps: [{ ...step, when: '${source}' }] }, new Map([['source', source]]));
  expect(unclear.issues).toMatchObject([
    { path: ['steps', 0, 'when'], message: `expected true, false, or a comparison, found "${source}"` },
  ]);
});

test('parameters take the given value, their default, or a stand-in, with its type', () => {
  const parts = {
    parameters: {
      port: { description: 'p', default: 5432 },
      full: { description: 'f', default: false },
      place: { description: 'where' },
    },
    steps: [
      { id: 'a', title: 'to ${place}', kind: 'wait', port: { number: '${port}' }, when: '${full}' },
      { ...step, id: 'b', command: ['echo', '${place}/x', '$${HOME}', '${run.directory}'] },
    ],
  };
  const checked = read(parts);
  expect(checked.problems).toEqual([]);
  expect(checked.plan?.steps[0]).toMatchObject({ title: 'to <place>', when: false });
  expect(checked.plan?.steps[0]?.options['port']).toEqual({ host: '127.0.0.1', number: 5432 });
  const given = read(
    parts,
    new Map<string, string | number>([
      ['place', '/srv'],
      ['port', 1],
      ['run.directory', '/r'],
    ]),
  );
  expect(given.plan?.steps[0]?.options['port']).toMatchObject({ number: 1 });
  expect(given.plan?.steps[1]?.options['command']).toEqual(['echo', '/srv/x', '$${HOME}', '/r']);
});

test('what is wrong with the steps is found', () => {
  expect(problems({ steps: [step, step] })).toEqual(['steps.1.id: step "a" is there twice']);
  expect(problems({ steps: [{ ...step, needs: ['b'] }] })).toEqual([
    'steps.0.needs.0: step "a" needs "b", which is no step',
  ]);
  expect(
    problems({ steps: [step, { ...step, id: 'b', needs: ['c'] }, { ...step, id: 'c', needs: ['b', 'a'] }] }),
  ).toEqual(['steps.1.needs: steps need each other: b -> c -> b']);
  expect(problems({ steps: [{ ...step, needs: ['a'] }] })).toEqual(['steps.0.needs: steps need each other: a -> a']);
  expect(problems({ steps: [{ ...step, retries: { times: 1 } }] })).toEqual([
    'steps.0.retries: step "a" has retries and is not repeatable',
  ]);
  expect(
    problems({
      steps: [
        { ...step, always: true },
        { ...step, id: 'b', needs: ['a'] },
      ],
    }),
  ).toEqual(['steps.1.needs: step "b" needs a clean-up step, which runs after all others']);
  expect(problems({ steps: [{ ...step, shell: 'true' }] })).toEqual([
    'steps.0: step "a": it takes either `command` or `shell`',
  ]);
  expect(problems({ steps: [{ id: 'a', title: 'A', kind: 'wait' }] })).toEqual([
    'steps.0: step "a": it takes one of `for`, `until`, `file` and `port`',
  ]);
  expect(problems({ steps: [{ id: 'a', title: 'A', kind: 'approve', prompt: 'fine?', timeout: '1h' }] })).toEqual([
    'steps.0.timeout: step "a" waits for a person, without end',
  ]);
});

test('the targets of a recovery are checked', () => {
  const cluster = { id: 'a', title: 'A', kind: 'restore-cluster', destination: 'data' };
  expect(problems({ steps: [{ ...cluster, target: { time: '2026-11-22 10:42:00' } }] })[0]).toContain('steps.0.target');
  expect(problems({ steps: [{ ...cluster, target: { time: '2026-11-22 10:42:00Z' } }] })).toEqual([]);
  expect(problems({ steps: [{ ...cluster, target: { lsn: '0/1', xid: '7' } }] })[0]).toContain('more than one');
});

test('a parameter must exist, and a secret one may stand only where nobody else sees it', () => {
  const parameters = { dsn: { description: 'd', secret: true, environment: 'DATABASE_URL' } };
  expect(problems({ steps: [{ ...step, command: ['echo', '${no}'] }] })).toEqual([
    'steps.0.command.1: there is no parameter "no"',
  ]);
  expect(problems({ parameters, steps: [{ ...step, command: ['psql', '${dsn}'] }] })).toEqual([
    'steps.0.command.1: secret parameter "dsn" cannot be used here, where others would see it',
  ]);
  const fine = read({ parameters, steps: [{ ...step, environment: { DATABASE_URL: '${dsn}' } }] });
  expect(fine.problems).toEqual([]);
  expect(fine.plan?.steps[0]?.options['environment']).toEqual({ DATABASE_URL: '${dsn}' });
  expect(problems({ parameters: { dsn: { description: 'd', secret: true } }, steps: [step] })).toEqual([
    'parameters.dsn: secret parameter "dsn" names no environment variable',
  ]);
  expect(problems({ parameters: { dsn: { ...parameters.dsn, default: 'x' } }, steps: [step] })).toEqual([
    'parameters.dsn.default: secret parameter "dsn" is written in clear',
  ]);
});

test.each([
  [{ ...step, environment: { PGPASSWORD: 'swordfish' } }, 'steps.0.environment.PGPASSWORD'],
  [{ ...step, environment: { DATABASE_URL: 'postgresql://u:swordfish@h/d' } }, 'steps.0.environment.DATABASE_URL'],
  [{ ...step, command: undefined, shell: 'curl --token swordfish x' }, 'steps.0.shell'],
  [{ ...step, command: ['app', '--password=swordfish'] }, 'steps.0.command.1'],
  [{ ...step, command: ['aws', 'AKIAIOSFODNN7EXAMPLE'] }, 'steps.0.command.1'],
  [{ ...step, runbook: 'psql postgresql://u:swordfish@h/d' }, 'steps.0.runbook'],
])('a secret in clear is found: %j', (bad, place) => {
  expect(problems({ steps: [bad] })).toEqual([`${place}: ${place} holds a secret in clear`]);
});

test.each([
  { ...step, environment: { PGPASSFILE: '/etc/pgpass', TOKEN: '' } },
  { ...step, command: ['app', '--password-file', '/etc/x'] },
  { ...step, command: undefined, shell: 'PGPASSWORD=$SECRET psql --token "$TOKEN"' },
  { ...step, runbook: 'The password: ask Anna. postgresql://u:$${dsn}@h/d' },
])('what only looks like a secret is none: %j', (fine) => {
  expect(problems({ steps: [fine] })).toEqual([]);
});
