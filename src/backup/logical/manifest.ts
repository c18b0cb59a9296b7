import { readExtensions, readUsedCollations } from '../../postgres/databaseCatalog.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { DumpedDatabase, DumpedSequence } from '../dumpRecord.ts';
import { exactPattern } from './namePattern.ts';
import type { Relation } from './relations.ts';
import type { Selection } from './selectRelations.ts';

/** What the record says of the definitions in a database. */
export type Definitions = Pick<
  DumpedDatabase,
  'schemas' | 'extensions' | 'collations' | 'constraints' | 'policies' | 'rowSecurity' | 'grants' | 'largeObjectCount'
>;

/** Reads, in the snapshot of the session, what a restored database is compared with beside its rows. */
export async function readDefinitions(sql: SqlConnection, relations: readonly Relation[]): Promise<Definitions> {
  const oids = relations.map(({ oid }) => oid);
  const schemas = await sql.query<SqlRow & { name: string; owner: string }>(`
    SELECT nspname AS name, pg_catalog.pg_get_userbyid(nspowner) AS owner FROM pg_catalog.pg_namespace
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname`);
  const largeObjects = await sql.queryOne<SqlRow & { count: bigint }>(
    'SELECT pg_catalog.count(*) AS count FROM pg_catalog.pg_largeobject_metadata',
  );
  return {
    schemas: [...schemas],
    extensions: [...(await readExtensions(sql))],
    collations: (await readUsedCollations(sql)).map(({ schema, name, provider, version }) => ({
      schema,
      name,
      provider,
      version,
    })),
    constraints: await readConstraints(sql, oids),
    policies: await readPolicies(sql, oids),
    rowSecurity: await readRowSecurity(sql, oids),
    grants: await readGrants(sql, oids),
    largeObjectCount: Number(largeObjects.count),
  };
}

async function readConstraints(sql: SqlConnection, oids: readonly number[]): Promise<Definitions['constraints']> {
  const rows = await sql.query<SqlRow & Definitions['constraints'][number]>(
    `SELECT n.nspname AS schema, c.relname AS table, k.conname AS name, k.convalidated AS validated,
            pg_catalog.pg_get_constraintdef(k.oid) AS definition
       FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = ANY ($1) AND k.contype <> 't' ORDER BY 1, 2, 3`,
    [oids],
  );
  return [...rows];
}

async function readPolicies(sql: SqlConnection, oids: readonly number[]): Promise<Definitions['policies']> {
  const rows = await sql.query<SqlRow & Definitions['policies'][number]>(
    `SELECT n.nspname AS schema, c.relname AS table, p.polname AS name, p.polpermissive AS permissive,
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                          ELSE 'ALL' END AS command,
            ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r)::pg_catalog.text END
                    FROM pg_catalog.unnest(p.polroles) AS r ORDER BY 1) AS roles,
            pg_catalog.pg_get_expr(p.polqual, c.oid) AS using,
            pg_catalog.pg_get_expr(p.polwithcheck, c.oid) AS check
       FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = ANY ($1) ORDER BY 1, 2, 3`,
    [oids],
  );
  return [...rows];
}

async function readRowSecurity(sql: SqlConnection, oids: readonly number[]): Promise<Definitions['rowSecurity']> {
  const rows = await sql.query<SqlRow & Definitions['rowSecurity'][number]>(
    `SELECT n.nspname AS schema, c.relname AS table, c.relforcerowsecurity AS forced
       FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = ANY ($1) AND c.relrowsecurity ORDER BY 1, 2`,
    [oids],
  );
  return [...rows];
}

/** Access rights that differ from the default ones, of the relations, their columns, and the schemas. */
async function readGrants(sql: SqlConnection, oids: readonly number[]): Promise<Definitions['grants']> {
  const rows = await sql.query<SqlRow & { object: string; acl: string[] }>(
    `SELECT object, ARRAY(SELECT item::pg_catalog.text FROM pg_catalog.unnest(acl) AS item ORDER BY 1) AS acl FROM (
       SELECT 'schema ' || pg_catalog.quote_ident(nspname) AS object, nspacl AS acl FROM pg_catalog.pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
       UNION ALL
       SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || c.oid::pg_catalog.regclass, c.relacl
         FROM pg_catalog.pg_class AS c WHERE c.oid = ANY ($1)
       UNION ALL
       SELECT 'column ' || attrelid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(attname), attacl
         FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($1) AND NOT attisdropped
     ) AS granted WHERE acl IS NOT NULL ORDER BY 1`,
    [oids],
  );
  return [...rows];
}

const sequencesAtOnce = 100;

/** The present values of the sequences; they are no part of any snapshot. */
export async function readSequences(
  sql: SqlConnection,
  { relations, withData }: Pick<Selection, 'relations' | 'withData'>,
): Promise<DumpedSequence[]> {
  const owners = new Map(relations.map((relation) => [relation.oid, relation]));
  const sequences = relations.filter(({ kind }) => kind === 'S');
  const values = await readValues(
    sql,
    sequences.filter((sequence) => withData.has(sequence)),
  );
  return sequences.map((sequence) => {
    const owner = sequence.ownerOid === null ? undefined : owners.get(sequence.ownerOid);
    const value = values.get(sequence.oid);
    return {
      schema: sequence.schema,
      name: sequence.name,
      lastValue: value === undefined ? null : String(value.last),
      isCalled: value?.called ?? null,
      increment: sequence.increment ?? '1',
      ownedBy: owner === undefined ? null : { schema: owner.schema, name: owner.name },
    };
  });
}

async function readValues(
  sql: SqlConnection,
  sequences: readonly Relation[],
): Promise<ReadonlyMap<number, { readonly last: bigint; readonly called: boolean }>> {
  const values = new Map<number, { last: bigint; called: boolean }>();
  for (let at = 0; at < sequences.length; at += sequencesAtOnce) {
    const selects = sequences
      .slice(at, at + sequencesAtOnce)
      .map(({ oid, schema, name }) => `SELECT ${oid} AS oid, last_value, is_called FROM ${exactPattern(schema, name)}`);
    const rows = await sql.query<SqlRow & { oid: number; last_value: bigint; is_called: boolean }>(
      selects.join(' UNION ALL '),
    );
    for (const row of rows) values.set(row.oid, { last: row.last_value, called: row.is_called });
  }
  return values;
}
