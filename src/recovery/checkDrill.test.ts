import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { builtinPlans } from './builtinPlans.ts';
import { checkDrill } from './checkDrill.ts';
import { readPlan } from './readPlan.ts';
import { stepKinds } from './stepKinds.ts';

const sandbox = '/tmp/box/work';

function found(document: object): string[] {
  const { plan, issues } = readPlan(document, { kinds: stepKinds, values: new Map([['run.directory', sandbox]]) });
  if (plan === undefined) throw new Error(JSON.stringify(issues));
  return checkDrill(plan, sandbox).map(({ message }) => message);
}

function foundIn(step: object): string[] {
  const head = { format: 1, name: 'p', version: 1, description: 'brings it back' };
  return found({ ...head, steps: [{ id: 'a', title: 'A', ...step }] });
}

test.each([
  [{ kind: 'restore-files', destination: '/srv/app', existing: 'delta' }, 'writes /srv/app'],
  [{ kind: 'restore-files', destination: 'app/../../..' }, 'writes /tmp'],
  [{ kind: 'restore-files', destination: '../workshop' }, 'writes /tmp/box/workshop'],
  [{ kind: 'restore-cluster', destination: '/var/lib/postgresql/15/main' }, 'writes /var/lib/postgresql/15/main'],
  [{ kind: 'restore-table', connection: 'postgresql:///d', tables: ['t'] }, 'writes to a running server'],
  [{ kind: 'restore-database', connection: 'postgresql:///d' }, 'writes to a running server'],
  [{ kind: 'sql', source: 'main', statement: 'delete from t', write: true }, 'writes to a running server'],
  [{ kind: 'http', url: 'http://h/', method: 'POST' }, 'sends POST'],
  [{ kind: 'notify', command: ['mail'], message: 'x' }, 'tells something to somebody'],
  [{ kind: 'run', command: ['make'], directory: '/srv/app' }, 'runs a program in /srv/app'],
  [{ kind: 'test-cluster', command: ['make'], dataDirectory: '/srv/pg' }, 'starts a server on /srv/pg'],
])('a drill does not act outside of its sandbox, unless the step says that it may: %j', (step, effect) => {
  expect(foundIn(step)).toEqual([`step "a" would act outside of the drill's sandbox: it ${effect}`]);
  expect(foundIn({ ...step, drill: true })).toEqual([]);
  expect(foundIn({ ...step, when: false })).toEqual([]);
});

test.each([
  { kind: 'restore-files', destination: 'app' },
  { kind: 'restore-files', destination: '..app' },
  { kind: 'restore-cluster', destination: '${run.directory}/main' },
  { kind: 'run', command: ['make'], directory: '${run.directory}/app' },
  { kind: 'run', command: ['make'] },
  { kind: 'test-cluster', command: ['make'], dataDirectory: 'restored' },
  { kind: 'sql', source: 'main', statement: 'select 1' },
  { kind: 'http', url: 'http://h/' },
  { kind: 'approve', prompt: 'fine?' },
])('what stays inside, or only looks, is done: %j', (step) => {
  expect(foundIn(step)).toEqual([]);
});

test.each(['monthly-restore-test', 'annual-drill'])('the built-in plan %s is a drill', (name) => {
  const plan = builtinPlans().find((one) => one.name === name);
  expect(found(parse(plan?.text ?? '') as object)).toEqual([]);
});
