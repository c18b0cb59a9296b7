import { parseSystemIdentifier, type SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { directory, type OptionSpec } from '../spec.ts';

/** Options that the WAL commands share. */
export const walFlags = {
  spool: directory(
    '--spool <directory>',
    'Private directory for a background process that works ahead; one for each cluster and repository.',
  ),
  cluster: {
    flags: '--cluster <identifier>',
    description: 'System identifier of the cluster, as pg_controldata prints it.',
    initial: undefined,
    read: (text: string) => parseSystemIdentifier(text),
  } satisfies OptionSpec<SystemIdentifier | undefined> as OptionSpec<SystemIdentifier | undefined>,
};
