import type { CommandSpec } from '../spec.ts';
import { connectionFlags } from './connectionFlags.ts';

export const doctorSpec = {
  name: 'doctor',
  summary: 'Check that everything is in place before it is needed',
  description:
    'Looks at the configuration, the repository, each server with its settings, slots and rights, the programs and the ' +
    'disk space of this machine. Changes nothing; it takes and gives back a lock of the repository.',
  arguments: [{ name: 'source', description: 'names from understudy.yaml; default all', count: 'many' }],
  options: connectionFlags,
  examples: [
    { command: 'doctor', meaning: 'check the configuration in the usual places' },
    { command: 'doctor --config new.yaml', meaning: 'check a file before it is put in place' },
    { command: 'doctor --host db1 --user backup', meaning: 'a server that is not configured yet' },
  ],
} as const satisfies CommandSpec;
