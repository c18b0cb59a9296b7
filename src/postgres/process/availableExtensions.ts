import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { runProgram } from '../runProgram.ts';

const controlSuffix = '.control';

/** Names of the extensions that an installation can create: the control files in its share directory. */
export async function availableExtensions(
  ctx: Context,
  binDirectory: string,
  major: number,
): Promise<ReadonlySet<string>> {
  const share = (await configuredShare(ctx, binDirectory)) ?? guessedShare(binDirectory, major);
  if (share === undefined) return new Set();
  const controls = (await readdir(join(share, 'extension'))).filter((name) => name.endsWith(controlSuffix));
  return new Set(controls.map((name) => name.slice(0, -controlSuffix.length)));
}

async function configuredShare(ctx: Context, binDirectory: string): Promise<string | undefined> {
  const program = join(binDirectory, 'pg_config');
  if (!existsSync(program)) return undefined;
  const path = (await runProgram(ctx, { program, args: ['--sharedir'] })).stdout.trim();
  return existsSync(join(path, 'extension')) ? path : undefined;
}

/** pg_config is often in a development package; the layouts are few. */
function guessedShare(binDirectory: string, major: number): string | undefined {
  const candidates = [
    join(binDirectory, '../share/postgresql'),
    join(binDirectory, '../share'),
    join(binDirectory, `../share/postgresql@${major}`),
    `/usr/share/postgresql/${major}`,
    `/usr/share/postgresql${major}`,
  ];
  return candidates.find((path) => existsSync(join(path, 'extension')));
}
