import { resolve } from 'node:path';
import { optionPathOf, optionText } from './options.ts';

/** A location with a scheme (`s3:`, `rest:https://...`) is not a local path. */
const scheme = /^[a-z][a-z0-9+.-]*:/;

/** A local path made absolute, a location with a scheme as it is. */
export function resolveLocation(location: string, directory: string): string {
  return scheme.test(location) ? location : resolve(directory, location);
}

/** Makes every option of a configuration that is a local path absolute, in place of ones relative to its file. */
export function resolvePaths<Value>(value: Value, directory: string, path: readonly PropertyKey[] = []): Value {
  if (typeof value === 'string') {
    const option = optionPathOf(path);
    const isPath = option !== undefined && optionText(option).path === true;
    return isPath ? (resolveLocation(value, directory) as Value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => resolvePaths(item, directory, [...path, index])) as Value;
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    resolvePaths<unknown>(item, directory, [...path, key]),
  ]);
  return Object.fromEntries(entries) as Value;
}
