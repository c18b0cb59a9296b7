import { OperationError } from '../../base/errors.ts';

/** A pattern of pg_dump as anchored regular expressions of PostgreSQL. */
export interface NamePattern {
  /** Undefined: no schema was named, so only what the role's search path shows matches. */
  readonly schema: string | undefined;
  readonly name: string;
}

/**
 * Reads a pattern of `pg_dump --table`: `*` and `?` outside of double quotes, `schema.table`, folding to lower case.
 * Throws `config-invalid` for one with more than two parts.
 */
export function parseTablePattern(pattern: string): NamePattern {
  const parts = split(pattern);
  const [first = '', second] = parts;
  if (parts.length > 2) {
    throw new OperationError('config-invalid', `the table pattern ${pattern} has more than two parts`, {
      hint: 'write schema.table, and quote a dot that belongs to a name: "my.schema".table',
    });
  }
  return second === undefined
    ? { schema: undefined, name: anchored(first) }
    : { schema: anchored(first), name: anchored(second) };
}

/** Reads a pattern of `pg_dump --schema`. Throws `config-invalid` for one with more than one part. */
export function parseSchemaPattern(pattern: string): string {
  const parts = split(pattern);
  if (parts.length > 1) {
    throw new OperationError('config-invalid', `the schema pattern ${pattern} has more than one part`, {
      hint: 'quote a dot that belongs to the name: "my.schema"',
    });
  }
  return anchored(parts[0] ?? '');
}

/** The pattern of exactly one relation or schema, for pg_dump's command line. */
export function exactPattern(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

function anchored(expression: string): string {
  return `^(${expression})$`;
}

const special = new Set('|*+?()[]{}.^\\');

/** The parts of a pattern as regular expressions, by the rules of psql's processSQLNamePattern. */
function split(pattern: string): string[] {
  const parts = [''];
  let quoted = false;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === '"' && !(quoted && pattern[at + 1] === '"')) quoted = !quoted;
    else if (character === '.' && !quoted) parts.push('');
    else {
      if (character === '"') at++; // a doubled one
      parts[parts.length - 1] += expressionFor(character, quoted);
    }
  }
  return parts;
}

function expressionFor(character: string, quoted: boolean): string {
  if (character === '$') return '\\$';
  if (quoted) return special.has(character) ? `\\${character}` : character;
  if (character === '*') return '.*';
  if (character === '?') return '.';
  return /[A-Z]/.test(character) ? character.toLowerCase() : character;
}
