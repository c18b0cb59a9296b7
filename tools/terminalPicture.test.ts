import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('a picture holds every word, with what XML keeps for itself escaped and long lines continued', () => {
  const printed = `   1.0 s  a < b & c\n   2.0 s  ${'word '.repeat(25)}end\n`;
  const script = join(import.meta.dirname, 'terminalPicture.ts');
  const run = spawnSync(process.execPath, [script, 'npm run demo'], { input: printed, encoding: 'utf8' });
  expect(run).toMatchObject({ status: 0, stderr: '' });
  const rows = [...run.stdout.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, row = '']) => row.replace(/<[^>]+>/g, ''));
  expect(rows.slice(0, 2)).toEqual(['$ npm run demo', '   1.0 s  a &lt; b &amp; c']);
  expect(rows[3]).toMatch(/^ {10}word.*end$/);
  expect(rows.every((row) => row.length <= 112)).toBe(true);
});
