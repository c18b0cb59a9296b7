import type { DumpedDatabase, DumpRecord } from '../../backup/dumpRecord.ts';

/**
 * Whether a dump holds some relations of a database only, by its filters or because a right was missing: then it may
 * refer to what it does not hold, and its record tells of schemas and extensions that it does not make.
 */
export function isPartial({ filters, notCaptured }: DumpRecord, { name }: DumpedDatabase): boolean {
  const { schemas, excludeSchemas, tables, excludeTables } = filters;
  if ([schemas, excludeSchemas, tables, excludeTables].some((patterns) => patterns.length > 0)) return true;
  return notCaptured.some(
    ({ database, what }) => database === name && /^(table|sequence|materialized view|foreign table) /.test(what),
  );
}
