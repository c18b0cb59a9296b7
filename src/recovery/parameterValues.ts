import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { ParameterValue } from './parameters.ts';
import type { ParameterSpec } from './planDocument.ts';

export interface ChosenValues {
  readonly values: ReadonlyMap<string, ParameterValue>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

export interface ParameterSources {
  /** From the command line: texts by name. */
  readonly given: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds the value of every parameter: given, from its environment variable, its default. Secrets come from the
 * environment alone. Throws `plan-invalid` for one that has no value, is not known, or is not of its default's type.
 */
export function chooseValues(
  parameters: Readonly<Record<string, ParameterSpec>>,
  { given, environment }: ParameterSources,
): ChosenValues {
  const names = Object.keys(parameters);
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`the plan has no parameter "${unknown}"`, `it has: ${names.join(', ')}`);
  const values = new Map<string, ParameterValue>();
  const secrets = new Map<string, Secret>();
  for (const [name, spec] of Object.entries(parameters)) {
    const fromEnvironment = spec.environment === undefined ? undefined : environment[spec.environment];
    if (spec.secret) {
      if (given.has(name)) throw invalid(`"${name}" is secret and cannot be given here`, setHint(spec));
      if (fromEnvironment === undefined) throw invalid(`the plan needs the secret "${name}"`, setHint(spec));
      secrets.set(name, new Secret(fromEnvironment));
      continue;
    }
    const text = given.get(name) ?? fromEnvironment;
    const value = text === undefined ? spec.default : typed(name, text, spec);
    if (value === undefined)
      throw invalid(`the plan needs "${name}": ${spec.description}`, `give it: --set ${name}=...`);
    values.set(name, value);
  }
  return { values, secrets };
}

function typed(name: string, text: string, spec: ParameterSpec): ParameterValue {
  const pattern = spec.default ?? spec.example;
  if (typeof pattern === 'number') {
    if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
    throw invalid(`"${name}": expected a number, found "${text}"`, spec.description);
  }
  if (typeof pattern !== 'boolean') return text;
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(`"${name}": expected true or false, found "${text}"`, spec.description);
}

function setHint({ environment }: ParameterSpec): string {
  return `set the environment variable ${environment}`;
}

function invalid(message: string, hint: string): OperationError {
  return new OperationError('plan-invalid', message, { hint });
}
