import type { CommandSpec } from '../spec.ts';

export const versionSpec = {
  name: 'version',
  summary: 'Print the version of understudy and of what it runs on',
  options: {},
  examples: [{ command: 'version --json', meaning: 'for a bug report or an inventory' }],
} as const satisfies CommandSpec;
