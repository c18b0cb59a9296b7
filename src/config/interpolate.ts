import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

const variable = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` in a secret by the environment variable; `$${NAME}` stands for the literal `${NAME}`.
 * `option` names the secret in the error `config-invalid` when a variable is not set.
 */
export function fillSecret(template: Secret, option: string, environment: Environment): Secret {
  const filled = template.reveal().replaceAll(variable, (match, name: string) => {
    if (match.startsWith('$$')) return match.slice(1);
    const value = environment[name];
    if (value !== undefined) return value;
    throw new OperationError('config-invalid', `${option} needs environment variable ${name}, which is not set`, {
      hint: `set ${name}, or write $\${${name}} if the secret really contains these characters`,
      detail: { option, variable: name },
    });
  });
  return new Secret(filled);
}

/** True when the text has a `${NAME}` that `fillSecret` would replace. */
export function hasVariable(text: string): boolean {
  return text.matchAll(variable).some(([match]) => !match.startsWith('$$'));
}
