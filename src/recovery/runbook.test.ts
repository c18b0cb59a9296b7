import { expect, test } from 'vitest';
import { loadedRun } from './fixture/loadedRun.ts';
import { runbookPage, runbookText } from './runbook.ts';
import { stepKinds } from './stepKinds.ts';

const { plan } = loadedRun(
  {
    owner: 'Anna',
    objective: { rto: '4h' },
    parameters: { dsn: { description: 'the database', secret: true, environment: 'DATABASE_URL' } },
    steps: [
      { id: 'files', title: 'Files', kind: 'restore-files', source: 'app', path: 'conf', destination: '/srv/a b' },
      {
        id: 'build',
        title: 'Build <it>',
        kind: 'run',
        command: ['make', 'all & sundry'],
        environment: { URL: '${dsn}' },
        needs: ['files'],
        critical: false,
        timeout: '5m',
        runbook: 'Call Bert & Co.',
      },
    ],
  },
  [],
);
const options = {
  kinds: stepKinds,
  contacts: [{ name: 'Anna', role: 'DBA', phone: '+41', email: null }],
  repository: '/backups',
};

test('a runbook says who, when and what to type, with stock programs only', () => {
  const text = runbookText(plan, options);
  expect(text).toContain('- Version 3; owner: Anna\n- Repository: /backups\n- To be done within 4 h\n');
  expect(text).toContain('restic restore latest --tag source:app --target ./restored\n');
  expect(text).toContain("cp -a './restored/app/files/<directory on the lost machine>/conf/.' '/srv/a b'");
  expect(text).toContain(`## 2. Build <it>\n\n- After: files\n- Give it up after 5 min\n- Not critical`);
  expect(text).toContain('export URL="${dsn}"\nmake \'all & sundry\'');
  expect(text).toContain('- Secret `dsn`: the database (variable DATABASE_URL)');
  expect(text).toContain('## Contacts\n\n- Anna, DBA, +41\n');
});

test('the page has the same, escaped', () => {
  const text = runbookPage(plan, options);
  expect(text).toContain('2. Build &#60;it&#62;');
  expect(text).toContain('Call Bert &#38; Co.');
  expect(text).not.toContain('<it>');
  expect(runbookPage(plan, { ...options, contacts: [] })).toContain('None are configured.');
});
