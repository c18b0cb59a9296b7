import { assert } from '../base/errors.ts';

const componentPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const partialPattern = /^[A-Za-z0-9_.-]*$/;

/** With the suffix of a temporary name this stays below the 255 bytes that file systems allow. */
const maxComponentLength = 200;

/**
 * True for a name of one component of an object name. Excluded are hidden files, `.` and `..`, separators, control
 * characters, and the temporary names of writers; what does not match is no object, wherever it is found.
 */
export function isNameComponent(text: string): boolean {
  return componentPattern.test(text) && text.length <= maxComponentLength && !isTemporaryName(text);
}

/** True for the name of a file under construction, ours or stock restic's. */
export function isTemporaryName(text: string): boolean {
  return text.includes('-tmp-');
}

/**
 * States that this is an object name: components as above joined by `/`. A name that could leave the storage is a bug.
 */
export function assertObjectName(name: string): void {
  assert(name.split('/').every(isNameComponent), 'an object name has only plain components');
}

/** States that this is the beginning of an object name, perhaps empty, perhaps ending in the middle of a component. */
export function assertPrefix(prefix: string): void {
  const components = prefix.split('/');
  const last = components.pop() ?? '';
  assert(components.every(isNameComponent) && partialPattern.test(last), 'a prefix has only plain components');
}
