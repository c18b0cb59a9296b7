import type { Context } from '../../base/context.ts';
import { findInstallations } from '../../postgres/installations.ts';
import type { Dump } from '../../restore/loadDump.ts';
import type { SandboxOptions } from '../sandbox/sandbox.ts';

/**
 * Major version of the server that a dump is restored into: the dumped server's own, else the nearest newer one that is
 * installed here with initdb, else its own all the same, for whoever asks for it to say what is missing.
 */
export async function chooseServerMajor(
  ctx: Context,
  dump: Dump,
  programs: SandboxOptions['programs'],
): Promise<number> {
  const least = dump.oldestServerMajor;
  const majors = (await findInstallations(ctx, programs))
    .filter((installation) => installation.programs.has('initdb'))
    .map(({ major }) => major)
    .filter((major) => major >= least);
  return majors.length === 0 ? least : Math.min(...majors);
}

/**
 * Name of the superuser that the sandbox begins with. The dumped server's own, so that what it owns and granted comes
 * back as it was; which of several it was is not known, and mostly `postgres`.
 */
export function chooseSuperuser({ record }: Dump): string {
  const superusers = record.roles.filter(({ superuser }) => superuser).map(({ name }) => name);
  return superusers.find((name) => name === 'postgres') ?? superusers[0] ?? 'postgres';
}
