import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { DumpFilters } from '../dumpRecord.ts';
import { parseSchemaPattern, parseTablePattern } from './namePattern.ts';

/** A relation that a dump may hold, and what this role may do with it. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** As pg_class.relkind: r, p, m, f or S. */
  readonly kind: string;
  readonly partition: boolean;
  readonly unlogged: boolean;
  readonly sizeBytes: bigint;
  /** Whether the role may use the schema. */
  readonly reachable: boolean;
  readonly readable: boolean;
  /** Policies hide rows from the role. */
  readonly restricted: boolean;
  readonly extension: string | null;
  /** Of a configuration table of its extension: which rows count, `WHERE ...` or empty; null for other relations. */
  readonly configuration: string | null;
  /** Of a sequence: the table whose column owns it. */
  readonly ownerOid: number | null;
  readonly identity: boolean;
  readonly increment: string | null;
}

/**
 * Every relation with content of its own outside of PostgreSQL's schemas, and the configuration that extensions keep in
 * those; temporary ones left out.
 */
export async function readRelations(sql: SqlConnection): Promise<readonly Relation[]> {
  return sql.query<SqlRow & Relation>(`
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relispartition AS partition,
           c.relpersistence = 'u' AS unlogged,
           CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid) ELSE 0 END AS "sizeBytes",
           pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS reachable,
           pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable,
           pg_catalog.row_security_active(c.oid) AS restricted,
           e.extname AS extension,
           coalesce(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)],
                    CASE WHEN c.oid = ANY (e.extconfig) THEN '' END) AS configuration,
           o.refobjid AS "ownerOid", o.deptype IS NOT DISTINCT FROM 'i' AS identity, s.seqincrement::text AS increment
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = c.oid
      LEFT JOIN pg_catalog.pg_depend AS o ON c.relkind = 'S' AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND o.objid = c.oid AND o.objsubid = 0 AND o.refobjsubid <> 0 AND o.deptype IN ('a', 'i')
            AND o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
      LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
     WHERE c.relkind IN ('r', 'p', 'm', 'f', 'S') AND c.relpersistence <> 't'
       AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' OR c.oid = ANY (e.extconfig))
     ORDER BY n.nspname, c.relname`);
}

/** Which relations and schemas the filters name. */
export interface FilterMatches {
  readonly schemas: ReadonlySet<string>;
  readonly excludeSchemas: ReadonlySet<string>;
  readonly tables: ReadonlySet<number>;
  readonly excludeTables: ReadonlySet<number>;
  readonly excludeTableData: ReadonlySet<number>;
  /** Patterns of what to include that match nothing here. */
  readonly unmatched: readonly string[];
}

export async function matchFilters(sql: SqlConnection, filters: DumpFilters): Promise<FilterMatches> {
  const schemas = await matchSchemas(sql, filters.schemas);
  const tables = await matchTables(sql, filters.tables);
  const names = async (patterns: readonly string[]): Promise<ReadonlySet<string>> =>
    (await matchSchemas(sql, patterns)).found;
  const oids = async (patterns: readonly string[]): Promise<ReadonlySet<number>> =>
    (await matchTables(sql, patterns)).found;
  return {
    schemas: schemas.found,
    tables: tables.found,
    excludeSchemas: await names(filters.excludeSchemas),
    excludeTables: await oids(filters.excludeTables),
    excludeTableData: await oids(filters.excludeTableData),
    unmatched: [...schemas.unmatched, ...tables.unmatched],
  };
}

interface Matches<Key> {
  readonly found: ReadonlySet<Key>;
  readonly unmatched: readonly string[];
}

async function matchSchemas(sql: SqlConnection, patterns: readonly string[]): Promise<Matches<string>> {
  if (patterns.length === 0) return { found: new Set(), unmatched: [] };
  const rows = await sql.query<SqlRow & { at: bigint; key: string }>(
    `SELECT p.at, n.nspname AS key
       FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS p (expression, at)
       JOIN pg_catalog.pg_namespace AS n ON n.nspname ~ p.expression`,
    [patterns.map(parseSchemaPattern)],
  );
  return matched(patterns, rows);
}

async function matchTables(sql: SqlConnection, patterns: readonly string[]): Promise<Matches<number>> {
  if (patterns.length === 0) return { found: new Set(), unmatched: [] };
  const parsed = patterns.map(parseTablePattern);
  // as in pg_dump: a table without a schema is one that the role's own search path shows
  await sql.query('RESET search_path');
  const rows = await sql.query<SqlRow & { at: bigint; key: number }>(
    `SELECT p.at, c.oid AS key
       FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[])
            WITH ORDINALITY AS p (schema, name, at)
       JOIN pg_catalog.pg_class AS c ON c.relname OPERATOR(pg_catalog.~) p.name
        AND c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p')
       JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        AND CASE WHEN p.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
                 ELSE n.nspname OPERATOR(pg_catalog.~) p.schema END`,
    [parsed.map(({ schema }) => schema ?? null), parsed.map(({ name }) => name)],
  );
  await sql.query(`SELECT pg_catalog.set_config('search_path', '', false)`);
  return matched(patterns, rows);
}

function matched<Key>(
  patterns: readonly string[],
  rows: readonly { readonly at: bigint; readonly key: Key }[],
): Matches<Key> {
  const hit = new Set(rows.map(({ at }) => Number(at)));
  return { found: new Set(rows.map(({ key }) => key)), unmatched: patterns.filter((_, at) => !hit.has(at + 1)) };
}
