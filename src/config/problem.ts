import type { z } from 'zod';
import { nameHint, nearestName } from './nearestName.ts';
import { optionNamesUnder, optionPathOf } from './options.ts';

/** One thing that is wrong in a configuration file. */
export interface Problem {
  /** Keys from the top of the file to the value, or to the mapping that holds `key`. */
  readonly path: readonly PropertyKey[];
  /** The key itself is what is wrong, not its value. */
  readonly key?: string;
  readonly message: string;
  readonly hint?: string;
}

/** Keys that may stand directly in a mapping. */
export type KnownKeys = (path: readonly PropertyKey[]) => readonly string[];

/**
 * Says in our words what zod found. An issue with several unknown keys becomes several problems; `known` is for a
 * document that is not the configuration.
 */
export function problemsOf(issue: z.core.$ZodIssue, known: KnownKeys = configurationKeys): Problem[] {
  const { path } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, known(path)));
    case 'invalid_value':
      return [{ path, ...notOneOf(path, issue.values.map(String), issue.input) }];
    case 'invalid_union':
      return [{ path, ...wrongUnion(issue) }];
    case 'invalid_key':
      return [{ path, message: `name "${dotted(path.slice(-1))}" is not allowed: ${issue.issues[0]?.message ?? ''}` }];
    case 'invalid_type':
      return [{ path, message: wrongType(path, issue.expected, issue.input) }];
    case 'too_small':
    case 'too_big':
      return [{ path, message: `${dotted(path)}: ${bounds(issue)}` }];
    default:
      return [{ path, message: `${dotted(path)}: ${issue.message}` }];
  }
}

/** `sources.main.wal`, or `the file` for its top. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the file' : path.map(String).join('.');
}

function configurationKeys(path: readonly PropertyKey[]): readonly string[] {
  return optionNamesUnder(path.length === 0 ? '' : (optionPathOf(path) ?? ''));
}

function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): Problem {
  const message = path.length === 0 ? `unknown key "${key}"` : `unknown key "${key}" in ${dotted(path)}`;
  const hint = known.includes(key) ? 'sources of another kind have it' : nameHint(key, known);
  return { path, key, message, hint };
}

function notOneOf(path: readonly PropertyKey[], allowed: readonly string[], input: unknown) {
  const nearest = typeof input === 'string' ? nearestName(input, allowed) : undefined;
  return {
    message: `${dotted(path)}: expected ${allowed.join(', ')}, found ${shown(input)}`,
    ...(nearest === undefined ? {} : { hint: `did you mean "${nearest}"?` }),
  };
}

function wrongUnion(issue: z.core.$ZodIssueInvalidUnion) {
  const { path } = issue;
  if ('options' in issue && Array.isArray(issue.options)) {
    return notOneOf(path, issue.options.map(String), valueAt(issue.input, issue.discriminator));
  }
  const expected = issue.errors.flat().map((inner) => {
    if (inner.code === 'invalid_value') return inner.values.map((value) => `"${String(value)}"`).join(', ');
    if (inner.code === 'invalid_type') return kindNames[inner.expected] ?? inner.expected;
    return inner.message;
  });
  return { message: `${dotted(path)}: expected ${expected.join(' or ')}, found ${shown(issue.input)}` };
}

function valueAt(input: unknown, key: string | undefined): unknown {
  return typeof input === 'object' && input !== null && key !== undefined ? Reflect.get(input, key) : input;
}

const kindNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

function wrongType(path: readonly PropertyKey[], expected: string, input: unknown): string {
  if (input === undefined) return `${dotted(path)} is missing`;
  return `${dotted(path)}: expected ${kindNames[expected] ?? expected}, found ${shown(input)}`;
}

function bounds(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  if (issue.origin === 'string') return issue.message;
  return issue.code === 'too_small' ? `must be at least ${issue.minimum}` : `must be at most ${issue.maximum}`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return JSON.stringify(value);
}
