import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import { entryText } from './pgRestore.ts';
import { namePattern, unquoted } from './sqlStatements.ts';

const outside = /^(EXTENSION|COMMENT - EXTENSION|FOREIGN DATA WRAPPER|SERVER|PROCEDURAL LANGUAGE|ACCESS METHOD) /;

/**
 * Entries that a schema needs and that lie in no schema: itself, its rights and comment; in a new database also the
 * extensions and their schemas, and foreign servers (without the logins to them).
 */
export function schemaEntries(
  entries: readonly string[],
  { schema, from, isNew }: { readonly schema: string; readonly from: DumpedDatabase; readonly isNew: boolean },
): string[] {
  const extensionSchemas = isNew ? from.extensions.map((extension) => extension.schema) : [];
  const schemas = [schema, ...extensionSchemas];
  return entries.filter((line) => {
    const text = entryText(line);
    if (isNew && outside.test(text)) return true;
    return schemas.some((name) =>
      [`SCHEMA - ${name} `, `ACL - SCHEMA ${name} `, `COMMENT - SCHEMA ${name} `].some((begin) =>
        text.startsWith(begin),
      ),
    );
  });
}

/** Foreign keys of a schema that lead to tables outside of it, as `table name`. */
export function leavingForeignKeys({ constraints }: DumpedDatabase, schema: string): string[] {
  const reference = new RegExp(`\\bREFERENCES (?:ONLY )?${namePattern.replace('[^\\s";]+', '[^\\s";.(]+')}\\.`);
  return constraints
    .filter((constraint) => constraint.schema === schema)
    .filter(({ definition }) => {
      const word = reference.exec(definition)?.[1];
      return word !== undefined && unquoted(word) !== schema;
    })
    .map(({ table, name }) => `${table} ${name}`);
}

/** The entries without these foreign keys, and without what belongs to publications, which lie in no schema. */
export function entriesWithin(
  entries: readonly string[],
  { schema, keys }: { readonly schema: string; readonly keys: readonly string[] },
): string[] {
  return entries.filter((line) => {
    const text = entryText(line);
    if (text.startsWith('PUBLICATION ')) return false;
    return !keys.some((key) => text.startsWith(`FK CONSTRAINT ${schema} ${key} `));
  });
}
