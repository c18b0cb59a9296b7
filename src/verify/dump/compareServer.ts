import type { DumpRecord } from '../../backup/dumpRecord.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { differencesOf, shownName, type Named } from './differences.ts';
import { eachDatabase, type RestoredDump } from './restoredDump.ts';

type Role = DumpRecord['roles'][number];

/** Attributes of roles, and what they are members of. */
export function compareRoles({ record, server }: RestoredDump): Outcome {
  if (record.globals === null) {
    const detail = [
      'the backup was made without roles (`globals: none`): they were made by what its record says of them',
    ];
    return { status: 'skipped', detail };
  }
  const names = new Set(record.roles.map(({ name }) => name));
  // the superuser that every cluster begins with
  const restored = server.roles.filter(({ name, superuser }) => names.has(name) || !superuser);
  const wrong = differencesOf(record.roles.map(asNamed), restored.map(asNamed), { extras: true });
  return judge(wrong, { expected: `${record.roles.length} roles`, actual: `${restored.length} roles` });
}

/** Owners, encodings and locales of the databases. */
export function compareDatabases({ record, server }: RestoredDump): Outcome {
  const named = (databases: RestoredDump['server']['databases']): Named[] =>
    databases.map(({ name, owner, encoding, collate, ctype }) => ({
      key: `database ${name}`,
      text: `of ${owner}, ${encoding}, ${collate}, ${ctype}`,
    }));
  const wrong = differencesOf(named(record.databases), named(server.databases), { extras: false });
  return judge(wrong, { expected: record.databases.map(({ name }) => name).join(', ') });
}

/** Extensions are there; of another version is worth knowing. */
export function compareExtensions(dump: RestoredDump): Outcome {
  const wrong: string[] = [];
  const other: string[] = [];
  for (const { from, is } of dump.databases) {
    const found = new Map(is.extensions.map((extension) => [extension.name, extension]));
    for (const { name, version, schema } of from.extensions) {
      const extension = found.get(name);
      const what = `${from.name}: extension ${name} ${version}`;
      if (extension === undefined) wrong.push(`${what} was not restored`);
      else if (extension.schema !== schema) wrong.push(`${what} is in ${extension.schema}, in the record in ${schema}`);
      else if (extension.version !== version) other.push(`${what} is ${extension.version} here`);
    }
  }
  const count = dump.databases.reduce((sum, { from }) => sum + from.extensions.length, 0);
  const said = { expected: `${count} extensions` };
  if (wrong.length > 0 || other.length === 0) return judge([...wrong, ...other], said);
  const hint = 'what the extensions make may be of another form: verify where the same versions are installed';
  return { ...said, status: 'warning', detail: other, hint };
}

/**
 * Versions of collations, as the dumped server had them and as this machine has them. Indexes were built anew here;
 * where the versions differ, text may sort differently than it did.
 */
export function compareCollations({ record, server, databases }: RestoredDump): Outcome {
  const detail: string[] = [];
  const here = new Map(server.databases.map(({ name, collationVersion }) => [name, collationVersion]));
  for (const { name, collationVersion } of record.databases) {
    const version = here.get(name) ?? null;
    if (collationVersion === null || version === collationVersion) continue;
    detail.push(`${name}: its collation had version ${collationVersion} and has ${version ?? 'none'} here`);
  }
  for (const { from, is } of databases) {
    const versions = new Map(is.collations.map((one) => [shownName(one.schema, one.name), one.version]));
    for (const one of from.collations) {
      const version = versions.get(shownName(one.schema, one.name));
      if (version === one.version) continue;
      const was = `${from.name}: collation ${shownName(one.schema, one.name)} had version ${one.version}`;
      detail.push(`${was} and has ${version ?? 'none'} here`);
    }
  }
  if (detail.length === 0) return { status: 'passed' };
  const hint = 'restore on a machine with the same C library and ICU where the order of text matters';
  return { status: 'warning', detail, hint };
}

/** No sequence is behind what was recorded: it would give numbers again that were given. */
export function compareSequences(dump: RestoredDump): Outcome {
  const wrong = eachDatabase(dump, ({ from, is }) => {
    const found = new Map(is.sequences.map((sequence) => [shownName(sequence.schema, sequence.name), sequence]));
    return from.sequences.flatMap((expected) => {
      const name = shownName(expected.schema, expected.name);
      const actual = found.get(name);
      if (actual === undefined) return [`sequence ${name} was not restored`];
      const next = nextValue(actual);
      const least = nextValue(expected);
      if (actual.increment !== expected.increment) {
        return [`sequence ${name} goes by ${actual.increment}, in the record by ${expected.increment}`];
      }
      if (next === undefined || least === undefined) return [];
      const behind = BigInt(expected.increment) > 0n ? next < least : next > least;
      return behind ? [`sequence ${name} goes on with ${next}, before the ${least} of the record`] : [];
    });
  });
  const count = dump.databases.reduce((sum, { from }) => sum + from.sequences.length, 0);
  return judge(wrong, { expected: `${count} sequences go on where they were` });
}

function nextValue(sequence: RestoredDump['databases'][number]['is']['sequences'][number]): bigint | undefined {
  const { lastValue, isCalled, increment } = sequence;
  if (lastValue === null) return undefined;
  return BigInt(lastValue) + (isCalled === true ? BigInt(increment) : 0n);
}

function asNamed({ name, memberOf, ...attributes }: Role): Named {
  const rights = Object.entries(attributes).flatMap(([attribute, has]) => (has ? [attribute] : []));
  const groups = memberOf.toSorted().map((group) => `, member of ${group}`);
  return { key: `role ${name}`, text: `${rights.toSorted().join(', ')}${groups.join('')}` };
}
