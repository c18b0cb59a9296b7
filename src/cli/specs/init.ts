import type { CommandSpec } from '../spec.ts';

export const initSpec = {
  name: 'init',
  summary: 'Create a repository',
  description:
    'Creates an encrypted repository in the format of restic, version 2. The password cannot be recovered: whoever loses ' +
    'it loses every backup. Keep a copy of it where a disaster of this machine does not reach.',
  options: {},
  examples: [
    { command: 'init --repo /srv/backup', meaning: 'asks for the new password twice' },
    { command: 'init', meaning: 'the repository that understudy.yaml or the environment names' },
  ],
} as const satisfies CommandSpec;
