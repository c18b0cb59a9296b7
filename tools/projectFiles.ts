import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '..');

/** Every file that git tracks or would track, relative to the root; what checks must not miss. */
export function listProjectFiles(): string[] {
  // the checkout may belong to another user than the one who runs the checks, e.g. in a container
  const commandLine = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', commandLine, { cwd: projectRoot, encoding: 'utf8', maxBuffer: 1 << 26 });
  const files = [...new Set(output.split('\0'))].filter((file) => file !== '' && existsSync(join(projectRoot, file)));
  if (files.length === 0) throw new Error('git lists no files');
  return files.toSorted();
}

/** Not part of the product: tests, what they share, and the harness. Neither shipped nor bound by the layers. */
export function isTestFile(path: string): boolean {
  return /\.test\.ts$|Suite\.ts$|^src\/testing\/|\/fixture\/|^e2e\//.test(path);
}

/** What oxlint and knip have to look at: our TypeScript, but neither AssemblyScript nor what a program wrote. */
export function isLinted(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('wasm/') && !path.includes('/generated/');
}
