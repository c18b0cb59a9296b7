/**
 * The part of TOML that supabase/config.toml uses: tables, and keys with strings, whole numbers, booleans or lists of
 * them. Anything else is an error with its line.
 *
 * @param {string} text
 * @returns {Map<string, Map<string, unknown>>} values by table (`''` before the first) and key
 */
export function parseToml(text) {
  /** @type {Map<string, Map<string, unknown>>} */
  const tables = new Map([['', new Map()]]);
  let table = '';
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const heading = /^\[([a-z_.]+)\]$/.exec(content)?.[1];
    const [, key, value] = /^([a-z_]+) *= *(.+)$/.exec(content) ?? [];
    const keys = tables.get(table);
    if (heading !== undefined && !tables.has(heading)) {
      table = heading;
      tables.set(table, new Map());
    } else if (key !== undefined && value !== undefined && keys?.has(key) === false) {
      keys.set(key, parseValue(value, index + 1));
    } else {
      throw new Error(`line ${index + 1}: "${content}" is not understood, or there twice`);
    }
  }
  return tables;
}

/**
 * @param {string} text
 * @param {number} line
 * @returns {unknown}
 */
function parseValue(text, line) {
  try {
    // strings, whole numbers, booleans and lists of them are written as in JSON
    return JSON.parse(text);
  } catch {
    throw new Error(`line ${line}: ${text} is no value`);
  }
}
