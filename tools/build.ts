/** `npm run build`: compiles src/ to dist/, without tests; dist/main.js is the program. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTestFile, listProjectFiles, projectRoot } from './projectFiles.ts';

const shebang = '#!/usr/bin/env node\n';
const files = listProjectFiles().filter((path) => path.startsWith('src/') && !isTestFile(path));
const modules = files.filter((path) => path.endsWith('.ts'));

// built beside, then swapped: whoever runs dist/ meanwhile sees the old program or the new one
const building = mkdtempSync(join(projectRoot, 'dist-'));
chmodSync(building, 0o755); // whoever runs the server runs the restore_command that lies in it
try {
  if (compile()) {
    copyAssets();
    makeExecutable();
    rmSync(join(projectRoot, 'dist'), { recursive: true, force: true });
    renameSync(building, join(projectRoot, 'dist'));
    console.log(`dist/: ${modules.length} modules`);
  } else {
    process.exitCode = 1;
  }
} finally {
  rmSync(building, { recursive: true, force: true });
}

function compile(): boolean {
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  const commandLine = [compiler, '--project', 'tsconfig.build.json', '--outDir', building];
  const { status } = spawnSync(process.execPath, commandLine, { cwd: projectRoot, stdio: 'inherit' });
  if (status !== 0) return false;
  const emitted = readdirSync(building, { recursive: true, encoding: 'utf8' });
  const missing = modules.filter((path) => !emitted.includes(path.slice('src/'.length).replace(/\.ts$/, '.js')));
  if (missing.length > 0) throw new Error(`not compiled: ${missing.join(', ')}`);
  return true;
}

function copyAssets(): void {
  for (const path of files.filter((file) => !file.endsWith('.ts'))) {
    cpSync(join(projectRoot, path), join(building, path.slice('src/'.length)));
  }
}

function makeExecutable(): void {
  const main = join(building, 'main.js');
  const text = readFileSync(main, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(main, shebang + text);
  chmodSync(main, 0o755);
}
