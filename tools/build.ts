/**
 * `npm run build`: bundles src/ to dist/; dist/main.js is the program. A process that starts once a WAL segment, and
 * threads that start with every backup, must not look for hundreds of files: each command is a few chunks. Libraries
 * without native code are in the bundle, with their licences beside it.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { rolldown, type OutputChunk, type Plugin } from 'rolldown';
import { listProjectFiles, projectRoot } from './projectFiles.ts';

const shebang = '#!/usr/bin/env node\n';
const source = join(projectRoot, 'src');
const shipped = Object.keys(readPackage(projectRoot).dependencies ?? {});

// built beside, then swapped: whoever runs dist/ meanwhile sees the old program or the new one
const building = mkdtempSync(join(projectRoot, 'dist-'));
chmodSync(building, 0o755); // whoever runs the server runs the restore_command that lies in it
try {
  const chunks = await bundle();
  copyAssets();
  writeLicences(chunks);
  makeExecutable();
  swap(join(projectRoot, 'dist'));
  const modules = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.filter((id) => id.startsWith(source))));
  console.log(`dist/: ${modules.size} modules in ${chunks.length} files`);
} finally {
  rmSync(building, { recursive: true, force: true });
}

/** The old program is away only between two renames, not for as long as it takes to remove it. */
function swap(target: string): void {
  const retired = `${building}-old`;
  if (existsSync(target)) renameSync(target, retired);
  renameSync(building, target);
  rmSync(retired, { recursive: true, force: true });
}

async function bundle(): Promise<OutputChunk[]> {
  await using building_ = await rolldown({
    input: { main: join(source, 'main.ts') },
    platform: 'node',
    external: (id) => id.startsWith('node:') || [...shipped, 'pg-native'].some((name) => isOf(id, name)),
    plugins: [modulesByUrl()],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`the bundler warns: ${log.message}`);
    },
  });
  const { output } = await building_.write({
    dir: building,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  return output.filter((each) => each.type === 'chunk');
}

/**
 * Modules that threads and processes start with are named by URL (`moduleUrl`), relative to who names them. In the
 * bundle all files lie in one directory; every other use of `import.meta` would tell a place that is none.
 */
function modulesByUrl(): Plugin {
  const startedModule = /moduleUrl\('([^']+)', import\.meta\)/g;
  const placeless = /createRequire\(import\.meta\.url\)|\?\? import\.meta\.dirname\b/g;
  return {
    name: 'modules-by-url',
    transform(code, id) {
      if (!id.startsWith(source) || !code.includes('import.meta')) return undefined;
      const replaced = code.replace(startedModule, (_, path: string) => {
        const module = resolve(dirname(id), `${path}.ts`);
        const name = relative(source, module).replace(/\.ts$/, '').replaceAll('/', '.');
        this.emitFile({ type: 'chunk', id: module, name, fileName: `${name}.js` });
        return `new URL('./${name}.js', import.meta.url)`;
      });
      const rest = replaced.replaceAll(/new URL\('[^']+', import\.meta\.url\)/g, '').replaceAll(placeless, '');
      if (/(?<![*`/].*)import\.meta/.test(rest))
        throw new Error(`${id}: this use of import.meta has no place in a bundle`);
      return replaced;
    },
  };
}

/** Files that are read beside the code, under their place in src/. */
function copyAssets(): void {
  for (const path of listProjectFiles().filter((file) => file.startsWith('src/') && !/\.(ts|md)$/.test(file))) {
    const target = join(building, path.slice('src/'.length));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readFileSync(join(projectRoot, path)));
  }
}

/** The licences of what is in the bundle: most of them ask to be passed on. */
function writeLicences(chunks: readonly OutputChunk[]): void {
  const directories = new Set(
    chunks.flatMap(({ moduleIds }) =>
      moduleIds.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []),
    ),
  );
  const texts = [...directories].toSorted().map((directory) => {
    const { name, version, license } = readPackage(directory);
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'License', 'license'].find((each) =>
      existsSync(join(directory, each)),
    );
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(directory, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  const bundled = [...directories].map((directory) => relative(join(projectRoot, 'node_modules'), directory));
  const missing = (readPackage(projectRoot).bundledLibraries ?? []).filter((name) => !bundled.includes(name));
  if (missing.length > 0) throw new Error(`not in the bundle: ${missing.join(', ')}`);
  writeFileSync(join(building, 'LICENCES-OF-LIBRARIES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}

function makeExecutable(): void {
  const main = join(building, 'main.js');
  const text = readFileSync(main, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(main, shebang + text);
  chmodSync(main, 0o755);
}

function isOf(id: string, name: string): boolean {
  return id === name || id.startsWith(`${name}/`);
}

interface PackageFile {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly bundledLibraries?: readonly string[];
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageFile;
}
