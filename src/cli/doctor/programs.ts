import type { Context } from '../../base/context.ts';
import { findInstallations, type Installation } from '../../postgres/installations.ts';
import { failedFinding, type Finding } from './finding.ts';

/** Programs without which a level of proof cannot be reached here. */
const provingPrograms = ['pg_verifybackup', 'pg_amcheck'] as const;

/** The server programs on this machine, which prove backups: needed of every major version that is backed up. */
export async function checkPrograms(
  ctx: Context,
  { directories, majors }: { readonly directories: readonly string[]; readonly majors: ReadonlySet<number> },
): Promise<Finding[]> {
  try {
    const installations = await findInstallations(ctx, { directories });
    if (majors.size === 0) return [anyFinding(installations)];
    return [...majors].map((major) => majorFinding(major, installations));
  } catch (error) {
    return [failedFinding('PostgreSQL programs', error)];
  }
}

function anyFinding(installations: readonly Installation[]): Finding {
  const message = installations.map(({ version, binDirectory }) => `${version} in ${binDirectory}`).join('; ');
  return { check: 'PostgreSQL programs', verdict: 'ok', message: message === '' ? 'none' : message };
}

function majorFinding(major: number, installations: readonly Installation[]): Finding {
  const check = `PostgreSQL ${major} programs`;
  const found = installations.find((installation) => installation.major === major);
  if (found === undefined) {
    return {
      check,
      verdict: 'warning',
      message: 'none here: backups of this version can be made and restored, but not proved on this machine',
      hint: `install postgresql-${major}, or name its directory in postgresBinaries`,
    };
  }
  const lacking = provingPrograms.filter((program) => !found.programs.has(program));
  const without = lacking.length === 0 ? '' : `, without ${lacking.join(' and ')}`;
  return { check, verdict: 'ok', message: `${found.version} in ${found.binDirectory}${without}` };
}
