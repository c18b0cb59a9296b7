import { spawnSync } from 'node:child_process';
import { chmod, cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../projectFiles.ts';
import { runCommand } from './command.ts';
import type { Workspace } from './workspace.ts';

/** How to start the program under measurement. */
export type Program = readonly [node: string, script: string];

/**
 * Compiles the program as it is shipped, into the workspace: other builds do not touch it there, and the user of the
 * clusters can read it.
 */
export async function installProgram(signal: AbortSignal, workspace: Workspace): Promise<Program> {
  const { status } = spawnSync(process.execPath, [join(projectRoot, 'tools/build.ts')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('npm run build failed');
  const directory = await workspace.emptyDirectory('program');
  await cp(join(projectRoot, 'dist'), join(directory, 'dist'), { recursive: true });
  await cp(join(projectRoot, 'package.json'), join(directory, 'package.json'));
  await symlink(join(projectRoot, 'node_modules'), join(directory, 'node_modules'));
  await chmod(directory, 0o755);
  await chmod(join(directory, 'dist'), 0o755);
  const program: Program = [process.execPath, join(directory, 'dist/main.js')];
  await runCommand(signal, { words: [...program, '--version'] });
  return program;
}
