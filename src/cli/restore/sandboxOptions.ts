import type { RecoveredCopyOptions } from '../../verify/recoveredCopy.ts';
import type { Invocation } from '../command.ts';

/** Where and as whom a sandbox runs, as configured. */
export async function sandboxOptions(
  invocation: Pick<Invocation, 'loadConfig'>,
  scratch: string | undefined,
): Promise<RecoveredCopyOptions['sandbox']> {
  const { verify, postgresBinaries } = (await invocation.loadConfig()).config;
  // the default of the configuration is tried anyhow, and need not exist
  const user = process.getuid?.() === 0 && verify.user !== 'postgres' ? verify.user : undefined;
  return { scratch: scratch ?? verify.directory, programs: { directories: postgresBinaries }, user };
}
