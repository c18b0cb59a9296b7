import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import { OperationError } from '../../base/errors.ts';
import { namePattern, unquoted } from './sqlStatements.ts';

export interface RoleNeeds {
  readonly owners: boolean;
  readonly grants: boolean;
}

/** `grantee=rights/grantor`; an empty grantee is PUBLIC. */
const aclItem = /^("(?:[^"]|"")*"|[^=]*)=[^/]*\/(.*)$/s;
const settingOfRole = new RegExp(`^ALTER ROLE ${namePattern} IN DATABASE `);
const grantOnDatabase = new RegExp(`^GRANT .+ ON DATABASE .+ TO ${namePattern}(?: WITH GRANT OPTION)?$`, 's');

/**
 * Names of the roles without which a database cannot be restored: owners of objects, and who holds or gave rights. A
 * policy, a user mapping or a setting of a role in the database always names its roles.
 */
export function neededRoles({ database, entries, properties, known, needs }: NeededRoles): ReadonlySet<string> {
  const needed = new Set<string>();
  const longestFirst = known.toSorted((one, other) => other.length - one.length);
  if (needs.owners) {
    needed.add(database.owner);
    for (const line of entries) {
      // the last word, which for a name with a space is a part of it: the known roles tell it whole
      const owner = longestFirst.find((role) => line.endsWith(` ${role}`)) ?? line.slice(line.lastIndexOf(' ') + 1);
      if (owner !== '') needed.add(owner);
    }
  }
  if (needs.grants) {
    for (const item of database.grants.flatMap(({ acl }) => acl)) {
      const [, grantee = '', grantor = ''] = aclItem.exec(item) ?? [];
      for (const role of [unquoted(grantee), unquoted(grantor)]) if (role !== '') needed.add(role);
    }
  }
  for (const role of database.policies.flatMap(({ roles }) => roles)) if (role !== 'public') needed.add(role);
  for (const line of entries) {
    const user = / USER MAPPING - USER MAPPING (.+) SERVER /.exec(line)?.[1];
    if (user !== undefined && user !== 'PUBLIC') needed.add(user);
  }
  for (const statement of properties) {
    const role = (settingOfRole.exec(statement) ?? grantOnDatabase.exec(statement))?.[1];
    if (role !== undefined && role !== 'PUBLIC') needed.add(unquoted(role));
  }
  return needed;
}

export interface NeededRoles {
  readonly database: DumpedDatabase;
  /** The table of contents of the definitions. */
  readonly entries: readonly string[];
  /** Statements about the database as a whole. */
  readonly properties: readonly string[];
  /** Roles of the dumped server. */
  readonly known: readonly string[];
  readonly needs: RoleNeeds;
}

/** Throws `not-found` naming the roles that the server lacks. */
export function requireRoles(needed: Iterable<string>, present: ReadonlySet<string>, database: string): void {
  const missing = [...needed].filter((role) => !present.has(role)).toSorted();
  if (missing.length === 0) return;
  throw new OperationError(
    'not-found',
    `roles that database "${database}" needs are not on the server: ${missing.join(', ')}`,
    {
      hint: 'create them, restore them too with --with-globals, or leave out what needs them: --no-owner, --no-acl',
      detail: { roles: missing },
    },
  );
}
