import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configurationReference } from './generate/configurationReference.ts';
import { editorSchema } from './generate/editorSchema.ts';
import { exitCodesPage } from './generate/exitCodesPage.ts';
import { planSchemaFile } from './generate/planSchemaFile.ts';

/**
 * Writes the files that are made from tables in the source, or, with --check, fails when one of them differs.
 * npm run generate [-- --check]
 */
const root = join(import.meta.dirname, '..');

const generated: Readonly<Record<string, () => string>> = {
  'schema/understudy.schema.json': editorSchema,
  'schema/recovery-plan.schema.json': planSchemaFile,
  'docs/guide/configuration.md': configurationReference,
  'docs/exit-codes.md': exitCodesPage,
};

const stale: string[] = [];
for (const [name, make] of Object.entries(generated)) {
  const path = join(root, name);
  const content = make();
  if (process.argv.includes('--check')) {
    if (readExisting(path) !== content) stale.push(name);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
if (stale.length > 0) {
  process.stderr.write(`differs from what its source says: ${stale.join(', ')}\nhint: npm run generate\n`);
  process.exitCode = 1;
}

function readExisting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
