import type { Context } from '../../base/context.ts';
import { tryGit, type GitCall } from './gitProgram.ts';
import type { Mirror } from './mirror.ts';

export interface MirrorCheck {
  /** Something is missing or not what its name says. */
  readonly damage: readonly string[];
  /** Objects that are intact but not as git would make them: old tools wrote them, and they can be cloned. */
  readonly remarks: readonly string[];
}

const mostLines = 20;
const harmless = /^(warning|error) in (commit|tree|tag|blob) [0-9a-f]+: /;
const silent = /^(notice|dangling|Checking|Verifying)/;

/** Reads every object of the mirror and all that they name: `git fsck --full`. */
export async function checkMirror(
  ctx: Context,
  { path, unconfigured = false }: Pick<Mirror, 'path'> & Pick<GitCall, 'unconfigured'>,
): Promise<MirrorCheck> {
  const args = ['fsck', '--full', '--no-dangling', '--no-progress'];
  const { stdout, stderr, status } = await tryGit(ctx, { args, directory: path, unconfigured });
  const lines = [...stdout.split('\n'), ...stderr].filter((line) => line !== '' && !silent.test(line));
  const remarks = lines.filter((line) => harmless.test(line)).slice(0, mostLines);
  const damage = lines.filter((line) => !harmless.test(line)).slice(0, mostLines);
  if (status === 0) return { damage: [], remarks };
  if (damage.length === 0 && remarks.length === 0) damage.push(`git fsck ended with status ${status}`);
  return { damage, remarks };
}
