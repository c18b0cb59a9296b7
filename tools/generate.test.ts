import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../src/config/loadConfig.ts';
import { options } from '../src/config/options.ts';
import { configExample } from './generate/configExample.ts';
import { configurationReference } from './generate/configurationReference.ts';
import { editorSchema } from './generate/editorSchema.ts';

test('the generated files are what their sources say', () => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--check'], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
});

test('the example of the reference is a valid configuration', () => {
  expect(parseConfig(configExample, '/etc/understudy/understudy.yaml').sources).toHaveProperty('main');
});

test('every described option is in the reference and in the editor schema, with its texts', () => {
  const reference = configurationReference();
  const schema = editorSchema();
  for (const [path, { description }] of Object.entries(options)) {
    if (path.endsWith('*')) continue; // a section of a chosen name is introduced by the text above it
    expect(schema, path).toContain(JSON.stringify(description));
    expect(reference, path).toContain(description);
  }
});
