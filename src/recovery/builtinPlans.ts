import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { assert } from '../base/errors.ts';

/** A plan that comes with the program, as the text of its file. */
export interface PlanFile {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** Beside this module in the source; in the bundle, whose modules are all in one place, further down. */
const places = [new URL('./plans', import.meta.url), new URL('./recovery/plans', import.meta.url)];
const suffix = '.yaml';

/** The plans that come with the program, by name. */
export function builtinPlans(): PlanFile[] {
  const place = places.map((url) => fileURLToPath(url)).find((path) => existsSync(path));
  assert(place !== undefined, 'the built-in plans are shipped');
  return readdirSync(place)
    .filter((file) => file.endsWith(suffix))
    .sort()
    .map((file) => {
      const path = join(place, file);
      return { name: file.slice(0, -suffix.length), path, text: readFileSync(path, 'utf8') };
    });
}
