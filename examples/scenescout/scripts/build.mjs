/** `npm run build`: the front end, from web/ to where vite.config.ts says. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import tailwind from '../tailwind.config.js';
import vite from '../vite.config.ts';
import { projectDirectory } from '../src/settings.ts';

const from = resolve(projectDirectory, vite.root);
const to = resolve(from, vite.build.outDir);
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });

const compiler = join(projectDirectory, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', from, '--outDir', to], { stdio: 'inherit' });
if (status !== 0) process.exit(1);

const variables = Object.entries(tailwind.theme).flatMap(([group, values]) =>
  Object.entries(values).map(([name, value]) => `  --${group}-${name}: ${value};`),
);
const style = readFileSync(join(from, 'style.css'), 'utf8');
writeFileSync(join(to, 'style.css'), `:root {\n${variables.join('\n')}\n}\n${style}`);
copyFileSync(join(from, 'index.html'), join(to, 'index.html'));
console.log(`built ${to}`);
