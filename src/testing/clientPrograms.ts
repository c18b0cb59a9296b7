import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** PostgreSQL's own programs that only its full packages have; the servers that come with npm are without them. */
const programs = ['pg_dump', 'pg_dumpall', 'pg_restore', 'pg_verifybackup', 'pg_controldata', 'pg_basebackup', 'psql'];

/** First line of a test file that cannot do without them. */
const marker = "// needs PostgreSQL's client programs";

const debian = '/usr/lib/postgresql';

/** Those that are installed nowhere. */
export function missingClientPrograms(): string[] {
  const majors = existsSync(debian) ? readdirSync(debian) : [];
  const directories = [...(process.env['PATH'] ?? '').split(':'), ...majors.map((major) => join(debian, major, 'bin'))];
  return programs.filter((program) => !directories.some((directory) => existsSync(join(directory, program))));
}

/** Of these test files those that need the programs. */
export function testsOfClientPrograms(root: string, paths: readonly string[]): string[] {
  return paths.filter((path) => readFileSync(join(root, path), 'utf8').startsWith(marker));
}
