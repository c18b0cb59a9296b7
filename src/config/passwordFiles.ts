import { readFileSync, statSync } from 'node:fs';
import { Secret } from '../base/secret.ts';

/** What a line of `.pgpass` is compared with. */
export interface LoginTarget {
  /** Host, or directory of a Unix socket; libpq compares a default socket directory as `localhost`. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line that matches in a libpq password file, or undefined.
 * As libpq, a file that is absent, unreadable, or readable by group or others is passed over.
 */
export function passwordFromPgpass(path: string, target: LoginTarget): Secret | undefined {
  const text = readPrivateFile(path);
  return text === undefined ? undefined : findPgpassEntry(text, target);
}

/** The password in the text of a password file: `host:port:database:user:password`, `*` matches all, `\` escapes. */
export function findPgpassEntry(text: string, target: LoginTarget): Secret | undefined {
  const wanted = [target.host, String(target.port), target.database, target.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    const matches = wanted.every((value, index) => fields[index]!.raw === '*' || fields[index]!.text === value);
    if (matches) return new Secret(fields[4]!.text);
  }
  return undefined;
}

interface Field {
  /** As written, to tell `*` from an escaped star. */
  readonly raw: string;
  readonly text: string;
}

function splitFields(line: string): Field[] {
  const fields: Field[] = [];
  for (const [raw] of line.matchAll(/(?:\\.|[^\\:])+|(?<=:|^)(?=:|$)/g)) {
    fields.push({ raw, text: raw.replace(/\\(.)/g, '$1') });
  }
  return fields;
}

function readPrivateFile(path: string): string | undefined {
  try {
    const status = statSync(path);
    if (!status.isFile() || (status.mode & 0o077) !== 0) return undefined;
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
