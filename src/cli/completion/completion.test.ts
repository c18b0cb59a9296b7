import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../../testing/needs.ts';
import { register } from '../command.ts';
import { choice, directory, file, flag, type CommandSpec } from '../spec.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completionModel } from './model.ts';
import { zshCompletion } from './zsh.ts';

const mode = choice({ flags: '-m, --mode <mode>', description: "How: it's a choice.", words: ['fast', 'careful'] });
const specs: CommandSpec[] = [
  {
    name: 'restore',
    summary: 'Restore',
    options: { mode, target: directory('--target <dir>', 'Where.') },
    examples: [],
  },
  {
    name: 'wal push',
    summary: 'Push',
    arguments: [{ name: 'path', description: '', complete: 'file' }],
    options: {},
    examples: [],
  },
  {
    name: 'wal status',
    summary: 'Status',
    options: { all: flag('-a, --all', 'All.'), from: file('--from <f>', '') },
    examples: [],
  },
];
const load = async () => ({ run: async () => undefined });
const model = completionModel(
  specs.map((spec) => register(spec, load)),
  { wal: 'The WAL archive' },
);

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'completion-'));
  writeFileSync(join(home, 'script'), bashCompletion(model));
  writeFileSync(join(home, 'some file'), '');
});
afterAll(() => rmSync(home, { recursive: true }));

/** What bash offers when Tab is pressed at the end of these words; the function is found as bash would find it. */
function offered(...words: readonly string[]): string[] {
  const program = `set -eu; source ./script
function=$(complete -p understudy | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"$function" understudy || true
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync('bash', ['-c', program, 'bash', 'understudy', ...words], { encoding: 'utf8', cwd: home });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return run.stdout.split('\n').filter((line) => line !== '');
}

test('bash: commands, groups and their members', () => {
  expect(offered('')).toEqual(['restore', 'wal']);
  expect(offered('r')).toEqual(['restore']);
  expect(offered('wal', '')).toEqual(['push', 'status']);
  expect(offered('--repo', 'restore', 'wal', 'st')).toEqual(['status']);
  expect(offered('--repo', '=', 'x', 'wal', 'p')).toEqual(['push']);
});

test('bash: options of the command and of every command', () => {
  expect(offered('wal', 'status', '--a')).toEqual(['--all']);
  expect(offered('restore', '--')).toEqual(
    expect.arrayContaining(['--mode', '--target', '--json', '--repo', '--help']),
  );
  expect(offered('restore', '--')).not.toContain('--all');
  expect(offered('--vers')).toEqual(['--version']);
});

test('bash: values of options and arguments', () => {
  expect(offered('restore', '--mode', '')).toEqual(['fast', 'careful']);
  expect(offered('restore', '-m', 'c')).toEqual(['careful']);
  expect(offered('restore', '--mode', '=', 'f')).toEqual(['fast']);
  expect(offered('restore', '--mode', '=')).toEqual(['fast', 'careful']);
  expect(offered('wal', 'push', 'some')).toEqual(['some file']);
  expect(offered('restore', '--target', 'some')).toEqual([]);
  expect(offered('restore', '--repo', '')).toEqual([]);
});

test('zsh and fish: quotes in descriptions are escaped, every command is there', () => {
  const zsh = zshCompletion(model);
  expect(zsh).toMatch(/^#compdef understudy\n/);
  expect(zsh).toContain(`'--mode:How: it'\\''s a choice.'`);
  expect(zsh).toContain(`('wal push') if [[ $PREFIX == -* ]]`);
  const fish = fishCompletion(model);
  expect(fish).toContain(`--description 'How: it\\'s a choice.'`);
  expect(fish).toContain(`--condition '__understudy_at \\'wal push\\'' --force-files`);
});

needs('zsh')('zsh reads the script', () => {
  const read = spawnSync('zsh', ['-n'], { input: zshCompletion(model), encoding: 'utf8' });
  expect(read).toMatchObject({ stderr: '', status: 0 });
});

needs('fish')('fish offers commands, members of a group, options and values', () => {
  writeFileSync(join(home, 'understudy.fish'), fishCompletion(model));
  const offers = (line: string): string[] => {
    const words = ['--no-config', '-c', `source understudy.fish; complete -C '${line}'`];
    const run = spawnSync('fish', words, { encoding: 'utf8', cwd: home, env: { ...process.env, HOME: home } });
    expect(run.stderr).toBe('');
    return run.stdout.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0]!]));
  };
  expect(offers('understudy re')).toEqual(['restore']);
  expect(offers('understudy wal ')).toEqual(['push', 'status']);
  expect(offers('understudy restore --m')).toEqual(['--mode']);
  expect(offers('understudy restore --mode ')).toEqual(['careful', 'fast']);
});
