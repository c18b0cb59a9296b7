/**
 * The statements of a script that pg_dumpall or pg_restore wrote, without comments, psql's own commands and the final
 * semicolons. Knows strings (also with backslashes), quoted names and dollar quotes.
 */
export function sqlStatements(script: string): string[] {
  const statements: string[] = [];
  let current = '';
  for (const [token] of script.matchAll(tokens)) {
    const isBetween = current.trim() === '';
    if (token.startsWith('--') || (isBetween && token.startsWith('\\'))) continue;
    if (token !== ';') current += token;
    else if (!isBetween) statements.push(current.trim());
    if (token === ';') current = '';
  }
  if (current.trim() !== '') statements.push(current.trim());
  return statements;
}

const tokens = new RegExp(
  [
    '--[^\\n]*', // comment
    '\\\\[^\\n]*', // command of psql
    "\\b[eE]'(?:[^'\\\\]|\\\\.|'')*'", // string with backslashes
    "'(?:[^']|'')*'", // string
    '"(?:[^"]|"")*"', // quoted name
    '(\\$\\w*\\$).*?\\1', // dollar quotes
    ';',
    '[\\w]+',
    '\\s+',
    '.',
  ].join('|'),
  'gs',
);

/** A name as PostgreSQL's programs write it, bare or quoted. */
export const namePattern = String.raw`("(?:[^"]|"")+"|[^\s";]+)`;

/** The name that a bare or quoted word stands for. */
export function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
