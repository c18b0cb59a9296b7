import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperationError } from '../base/errors.ts';
import { loadConfig, parseConfig } from './loadConfig.ts';

const complete = `
repository:
  location: backups
  passwordFile: /etc/understudy/password
  compression: better
  packSize: 32MiB
sources:
  main:
    kind: postgres
    tier: gold
    connection: { host: /run/postgresql, port: 5433, password: "\${DB_PASSWORD}" }
    wal: { receive: { slot: keeper }, spoolDirectory: spool }
tiers:
  gold: { rpo: 1m, rto: 1h30m }
retention: { keepLast: 3, keepYearly: unlimited, keepWithin: 1y6m, keepTags: [keep] }
postgresBinaries: [pg/bin]
`;

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'config-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function failure(text: string): OperationError {
  try {
    parseConfig(text, '/etc/u.yaml');
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

test('a complete file gives typed values, absolute paths and defaults', () => {
  const config = parseConfig(complete, '/etc/understudy/understudy.yaml');
  expect(config.repository).toMatchObject({ location: '/etc/understudy/backups', packSize: 32 * 2 ** 20 });
  expect(config.sources['main']).toMatchObject({
    wal: { receive: { slot: 'keeper' }, spoolDirectory: '/etc/understudy/spool' },
    method: 'auto',
  });
  expect(config.tiers['gold']).toEqual({ rpo: 60_000, rto: 5_400_000 });
  expect(config.retention).toMatchObject({ keepLast: 3, keepYearly: -1, keepWithin: '1y6m', keepTags: ['keep'] });
  expect(config.postgresBinaries).toEqual(['/etc/understudy/pg/bin']);
});

test('a location with a scheme stays as it is', () => {
  expect(parseConfig('repository: { location: "s3:https://h/b" }', '/etc/u.yaml').repository.location).toBe(
    's3:https://h/b',
  );
});

test('secrets do not show when a configuration is printed', () => {
  const config = parseConfig('repository: { password: hunter2 }', '/etc/u.yaml');
  expect(JSON.stringify(config)).not.toContain('hunter2');
  expect(config.repository.password?.reveal()).toBe('hunter2');
});

test.each([
  ['repository:\n  location: /b\nretenton: {}', '/etc/u.yaml:3: unknown key "retenton"', 'did you mean "retention"?'],
  ['repository:\n  locaton: /b', '/etc/u.yaml:2: unknown key "locaton" in repository', 'did you mean "location"?'],
  [
    'sources:\n  main:\n    kind: postgres\n    wal:\n      recieve: {}',
    ':5: unknown key "recieve" in sources.main.wal',
    'did you mean "receive"?',
  ],
  ['repository:\n  zzz: 1', ':2: unknown key "zzz" in repository', /known here: location, password/],
  ['sources:\n  main:\n    kind: postgre', ':3: sources.main.kind: expected postgres', 'did you mean "postgres"?'],
  ['sources:\n  main: {}', ':2: sources.main.kind: expected postgres', undefined],
  ['sources:\n  main: 3', ':2: sources.main: expected a mapping, found 3', undefined],
  ['sources:\n  "a b": { kind: postgres }', ':2: name "a b" is not allowed', undefined],
  ['repository:\n  compression: maxx', ':2: repository.compression: expected off, fastest', 'did you mean "max"?'],
  ['repository:\n  packSize: 1MiB', ':2: repository.packSize: expected 4MiB to 128MiB', undefined],
  ['repository:\n  location: ${HOME}/b', ':2: repository.location: ${NAME} is replaced in passwords', undefined],
  ['tiers:\n  gold:\n    rpo: 5\n    rto: 1h', ':3: tiers.gold.rpo: expected a text, found 5', undefined],
  ['tiers:\n  gold:\n    rto: 1h', ':2: tiers.gold.rpo is missing', undefined],
  ['tiers: { gold: { rpo: 5x, rto: 1h } }', ':1: tiers.gold.rpo: expected a duration such as', undefined],
  ['retention:\n  keepLast: many', ':2: retention.keepLast: expected a number or "unlimited", found "many"', undefined],
  ['retention: { keepWithin: 3w }', ':1: retention.keepWithin: expected a span', undefined],
  ['postgresBinaries:\n  - /a\n  - 7', ':3: postgresBinaries.1: expected a text, found 7', undefined],
  ['a: [', ':1: not valid YAML', undefined],
  ['verify: {}\nverify: {}', ':2: not valid YAML: Map keys must be unique', undefined],
  ['- a', ':1: the file: expected a mapping, found a list', undefined],
  [
    'repository:\n  password: a\n  passwordFile: b',
    ':3: repository: password and passwordFile exclude each other',
    undefined,
  ],
  [
    'sources:\n  m:\n    kind: postgres\n    tier: gld\ntiers: { gold: { rpo: 1m, rto: 1m } }',
    ':4: sources.m: there is no tier "gld"',
    'did you mean "gold"?',
  ],
  [
    'sources: { m: { kind: postgres, connection: { port: 70000 } } }',
    'connection.port: must be at most 65535',
    undefined,
  ],
  [
    'sources: { m: { kind: postgres, connection: { uri: a, host: b } } }',
    'connection: uri and host exclude',
    undefined,
  ],
  [
    'sources: { m: { kind: git, path: /m, verify: { assertions: [{ name: a, command: b, sql: c }] } } }',
    'unknown key "sql" in sources.m.verify.assertions.0',
    'sources of another kind have it',
  ],
  [
    'sources: { m: { kind: dump, verify: { assertions: [{ name: a }] } } }',
    'sources.m.verify.assertions.0: it needs sql or a command',
    undefined,
  ],
  [
    'sources: { m: { kind: dump, verify: { assertions: [{ name: a, sql: select 1, command: b }] } } }',
    'sources.m.verify.assertions.0: sql and command exclude each other',
    undefined,
  ],
  [
    'sources:\n  m:\n    kind: postgres\n    verify:\n      assertions:\n' +
      '        - { name: a, sql: select true }\n        - { name: a, command: ./test }',
    ':7: sources.m.verify.assertions: "a" is the name of two',
    undefined,
  ],
])('%j is refused with the line and a hint', (text, message, hint) => {
  const error = failure(text);
  expect(error.code).toBe('config-invalid');
  expect(error.message).toContain(message);
  expect(error.message).not.toContain('\n');
  if (typeof hint === 'string') expect(error.hint).toBe(hint);
  if (hint instanceof RegExp) expect(error.hint).toMatch(hint);
});

test('several problems: the first by line is shown, all are in the detail', () => {
  const error = failure('verify: { usr: x }\nrepository: { locaton: y }');
  expect(error.message).toBe('/etc/u.yaml:1: unknown key "usr" in verify (and 1 more)');
  expect(error.detail['problems']).toHaveLength(2);
});

test('a password that others can read gives a warning; a variable or a private file does not', () => {
  const path = join(directory, 'understudy.yaml');
  const warningsOf = (text: string, mode: number) => {
    writeFileSync(path, text);
    chmodSync(path, mode);
    return loadConfig({ path, environment: {} }).warnings;
  };
  expect(warningsOf('repository: { password: x }', 0o644)).toEqual([expect.stringContaining('chmod 600')]);
  expect(warningsOf('repository: { password: x }', 0o600)).toEqual([]);
  expect(warningsOf('repository: { password: "${X}" }', 0o644)).toEqual([]);
  const source = (uri: string) => `sources: { m: { kind: postgres, connection: { uri: "${uri}" } } }`;
  expect(warningsOf(source('postgresql://me@db/x'), 0o644)).toEqual([]);
  expect(warningsOf(source('postgresql://me:pw@db/x'), 0o644)).toHaveLength(1);
});

test('an empty file is a file of defaults', () => {
  expect(parseConfig('# nothing yet\n', '/etc/u.yaml').repository.compression).toBe('auto');
});

test('without any file everything is at its default', () => {
  const nowhere = { workingDirectory: directory, homeDirectory: directory, systemDirectory: directory };
  expect(loadConfig({ environment: {}, ...nowhere })).toMatchObject({ path: undefined, warnings: [] });
});

test('a source of files: paths start at the directory of the file, patterns stay as they are', () => {
  const text =
    'sources:\n  app:\n    kind: files\n    paths: [., /etc/app]\n    optionalPaths: [vite.config.ts]\n    exclude: [/logs]\n';
  const { sources } = parseConfig(text, '/srv/app/understudy.yaml');
  expect(sources['app']).toMatchObject({
    paths: ['/srv/app', '/etc/app'],
    optionalPaths: ['/srv/app/vite.config.ts'],
    exclude: ['/logs'],
    excludeCaches: true,
    secrets: [],
  });
  const nested = text.replace('exclude: [/logs]', 'excludeFiles: [a/.gitignore]');
  expect(() => parseConfig(nested, '/u.yaml')).toThrow(/expected the name of a file/);
});
