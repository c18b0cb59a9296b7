import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { differencesOf, shownName, type Named } from './differences.ts';
import { eachDatabase, type RestoredDatabase, type RestoredDump } from './restoredDump.ts';

type Constraint = DumpedDatabase['constraints'][number];

/** Schemas and who owns them. */
export function compareSchemas(dump: RestoredDump): Outcome {
  const named = ({ schemas }: Pick<DumpedDatabase, 'schemas'>): Named[] =>
    schemas
      .filter(({ name }) => isComparable(dump, name))
      .map(({ name, owner }) => {
        return { key: `schema ${shownName(name)}`, text: `of ${owner}` };
      });
  return outcome(dump, { what: 'schemas', of: ({ schemas }) => schemas.length }, ({ from, is, partial }) =>
    differencesOf(named(from), named(is), { extras: !partial }),
  );
}

/** Definitions of constraints, and whether they are validated. */
export function compareConstraints(dump: RestoredDump): Outcome {
  return outcome(dump, { what: 'constraints', of: ({ constraints }) => constraints.length }, (database) => {
    const [from, is] = withoutEqualForeignKeys(database);
    return differencesOf(from.filter((constraint) => !leavesDump(database, constraint)).map(asNamed), is.map(asNamed), {
      extras: dump.sameMajor,
    });
  });
}

/** Policies, and the tables whose row security is on. */
export function comparePolicies(dump: RestoredDump): Outcome {
  const named = ({ policies, rowSecurity }: Pick<DumpedDatabase, 'policies' | 'rowSecurity'>): Named[] => [
    ...policies.map((policy) => ({
      key: `policy ${shownName(policy.name)} of ${shownName(policy.schema, policy.table)}`,
      text: policyText(policy),
    })),
    ...rowSecurity.map(({ schema, table, forced }) => ({
      key: `row security of ${shownName(schema, table)}`,
      text: forced ? 'forced' : 'not forced',
    })),
  ];
  const of = ({ policies }: Pick<DumpedDatabase, 'policies'>): number => policies.length;
  return outcome(dump, { what: 'policies', of }, ({ from, is }) =>
    differencesOf(named(from), named(is), { extras: true }),
  );
}

function policyText({ permissive, command, roles, using, check }: DumpedDatabase['policies'][number]): string {
  const kind = `${permissive ? 'permissive' : 'restrictive'} for ${command} to ${roles.toSorted().join(', ')}`;
  return `${kind}${using === null ? '' : ` using ${using}`}${check === null ? '' : ` with check ${check}`}`;
}

/** Access rights of schemas, tables, columns and sequences. */
export function compareGrants(dump: RestoredDump): Outcome {
  const named = ({ grants }: Pick<DumpedDatabase, 'grants'>, partial: boolean): Named[] =>
    grants
      // a dump of chosen relations does not hold their schemas, and its record tells of all
      .filter(({ object }) => !(partial && object.startsWith('schema ')))
      .filter(({ object }) => isComparable(dump, object.replace(/^schema /, '')))
      .map(({ object, acl }) => ({
        key: `rights on ${object}`,
        text: acl.map(withoutNewRights).toSorted().join(', '),
      }));
  // where a major has rights that another does not know, the ones of owners differ
  const withoutNewRights = (item: string): string =>
    dump.sameMajor ? item : item.replace(/=([^/]*)\//, (_, rights: string) => `=${rights.replace('m', '')}/`);
  return outcome(dump, { what: 'objects with rights of their own', of: ({ grants }) => grants.length }, (database) => {
    const { from, is, partial } = database;
    return differencesOf(named(from, partial), named(is, partial), { extras: true });
  });
}

/** The public schema belongs to another role, with other rights, from PostgreSQL 15 on. */
function isComparable({ sameMajor }: RestoredDump, schema: string): boolean {
  return sameMajor || schema !== 'public';
}

function outcome(
  dump: RestoredDump,
  { what, of }: { readonly what: string; readonly of: (database: DumpedDatabase | RestoredDatabase['is']) => number },
  compare: (database: RestoredDatabase) => readonly string[],
): Outcome {
  const wrong = eachDatabase(dump, compare);
  const sum = (all: readonly (DumpedDatabase | RestoredDatabase['is'])[]): number =>
    all.reduce((total, one) => total + of(one), 0);
  const said = {
    expected: `${sum(dump.databases.map(({ from }) => from))} ${what}`,
    actual: `${sum(dump.databases.map(({ is }) => is))} ${what}`,
  };
  const missing = wrong.filter((line) => line.endsWith(' was not restored'));
  if (dump.sameMajor || wrong.length === 0 || missing.length > 0) return judge(wrong, said);
  return { ...said, status: 'warning', detail: wrong, hint: otherMajorHint };
}

const otherMajorHint =
  'the sandbox is of another major version, which may read definitions otherwise: install server programs of the same';

function asNamed({ schema, table, name, definition, validated }: Constraint): Named {
  const key = `constraint ${shownName(name)} of ${shownName(schema, table)}`;
  return { key, text: validated ? definition : `${definition} (not validated)` };
}

/**
 * PostgreSQL itself names the foreign keys that lead to the partitions of a table, in the order in which those came to
 * be: of such what counts is that there are as many, and equal.
 */
function withoutEqualForeignKeys({ from, is }: RestoredDatabase): [Constraint[], Constraint[]] {
  const key = (one: Constraint): string => JSON.stringify([one.schema, one.table, one.definition, one.validated]);
  const exact = (one: Constraint): string => JSON.stringify([key(one), one.name]);
  const same = new Set(from.constraints.map(exact)).intersection(new Set(is.constraints.map(exact)));
  const left = is.constraints.filter((one) => !same.has(exact(one)));
  const missing: Constraint[] = [];
  for (const one of from.constraints.filter((constraint) => !same.has(exact(constraint)))) {
    const at = isForeignKey(one) ? left.findIndex((other) => key(other) === key(one)) : -1;
    if (at >= 0) left.splice(at, 1);
    else missing.push(one);
  }
  const equal = from.constraints.filter((one) => same.has(exact(one)));
  return [
    [...equal, ...missing],
    [...equal, ...left],
  ];
}

/** A foreign key to a table whose rows a dump does not hold cannot be made from it. */
function leavesDump({ from, is }: RestoredDatabase, constraint: Constraint): boolean {
  if (!isForeignKey(constraint) || is.constraints.some((one) => asNamed(one).key === asNamed(constraint).key))
    return false;
  const [, schema = '', table = ''] = references.exec(constraint.definition) ?? [];
  return !from.tables.some(
    ({ name, dataDumped, kind, ...rest }) =>
      rest.schema === unquoted(schema) && name === unquoted(table) && (dataDumped || kind === 'partitioned-table'),
  );
}

const references = /\bREFERENCES (?:ONLY )?("(?:[^"]|"")+"|[^\s".(]+)\.("(?:[^"]|"")+"|[^\s".(]+)\(/;

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
}

function isForeignKey({ definition }: Constraint): boolean {
  return definition.startsWith('FOREIGN KEY ');
}
