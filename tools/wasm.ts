/**
 * Compiles the AssemblyScript kernels of wasm/ into TypeScript files that carry the module as base64, so that type
 * stripping, the npm package and workers need no asset beside the code. `--check` writes nothing and fails when a
 * generated file differs from a fresh compilation.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.resolve(import.meta.dirname, '..');

interface Kernel {
  readonly source: string;
  readonly generated: string;
  readonly constant: string;
}

const kernels: readonly Kernel[] = [
  { source: 'wasm/pageScan.ts', generated: 'src/postgres/generated/pageScanWasm.ts', constant: 'pageScanWasm' },
  { source: 'wasm/rabin.ts', generated: 'src/repository/generated/rabinWasm.ts', constant: 'rabinWasm' },
];

/** Compiles one kernel; throws with the compiler's own messages. */
async function compile(source: string): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const messages = asc.createMemoryStream();
  const outFile = `${path.basename(source, '.ts')}.wasm`;
  const { error } = await asc.main([source, '--config', 'wasm/asconfig.json', '--outFile', outFile], {
    readFile: (name, baseDir) => readFile(path.resolve(root, baseDir, name), 'utf8').catch(() => null),
    writeFile: (name, contents) => {
      if (name === outFile && typeof contents !== 'string') binary = contents;
    },
    listFiles: () => null,
    stderr: messages,
  });
  if (error !== null) throw new Error(`cannot compile ${source}\n${messages.toString()}`, { cause: error });
  if (binary === undefined) throw new Error(`the compiler wrote nothing for ${source}`);
  return binary;
}

function render({ source, constant }: Kernel, binary: Uint8Array): string {
  const lines =
    Buffer.from(binary)
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  return [
    `// Generated from ${source} by tools/wasm.ts; do not edit.`,
    `export const ${constant} =`,
    `${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
  ].join('\n');
}

/** Paths of the generated files that differ from a fresh compilation; they are rewritten unless `check` is set. */
export async function generateWasm(check: boolean): Promise<string[]> {
  const stale: string[] = [];
  for (const kernel of kernels) {
    const file = path.join(root, kernel.generated);
    const fresh = render(kernel, await compile(kernel.source));
    const stored = await readFile(file, 'utf8').catch(() => undefined);
    if (stored === fresh) continue;
    stale.push(kernel.generated);
    if (!check) await writeFile(file, fresh);
  }
  return stale;
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const stale = await generateWasm(check);
  for (const file of stale) process.stdout.write(`${file} ${check ? 'is stale; run npm run wasm' : 'written'}\n`);
  if (check && stale.length > 0) process.exitCode = 1;
}
