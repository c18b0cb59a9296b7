import type { CommandSpec } from '../spec.ts';

export const doctorSpec = {
  name: 'doctor',
  summary: 'Check that everything is in place before it is needed',
  description: 'Reads the configuration and looks at the machine; changes nothing.',
  options: {},
  examples: [
    { command: 'doctor', meaning: 'check the configuration in the usual places' },
    { command: 'doctor --config new.yaml', meaning: 'check a file before it is put in place' },
  ],
} as const satisfies CommandSpec;
