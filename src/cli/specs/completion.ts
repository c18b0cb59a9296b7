import type { CommandSpec } from '../spec.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;

export const completionSpec = {
  name: 'completion',
  summary: 'Print the completion script for a shell',
  arguments: [{ name: 'shell', description: 'bash, zsh or fish', complete: shells }],
  options: {},
  examples: [
    { command: 'completion bash > /etc/bash_completion.d/understudy', meaning: 'for all users of bash' },
    { command: 'completion zsh > "${fpath[1]}/_understudy"', meaning: 'for zsh' },
    { command: 'completion fish > ~/.config/fish/completions/understudy.fish', meaning: 'for fish' },
  ],
} as const satisfies CommandSpec;
