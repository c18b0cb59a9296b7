import { OperationError } from '../base/errors.ts';
import type { LoadedConfig } from '../config/loadConfig.ts';
import { nameHint } from '../config/nearestName.ts';
import { configSchema, type SourceConfig, type SourceKind } from '../config/schema.ts';

/** A source of any kind, as configured. */
export interface NamedSource {
  readonly name: string;
  readonly config: SourceConfig;
}

export interface SourceChoice {
  /** Empty means all. */
  readonly names: readonly string[];
  /** Flags stand in for a configured connection: any name will do. */
  readonly flagged: boolean;
  /** Only sources of this kind. */
  readonly kind?: SourceKind;
}

/** Name of the source when nobody gave one. */
const defaultSourceName = 'main';
/** A source's name is a directory in its snapshots and a part of a tag. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The sources that a command is about: the named ones, else all that are configured. Where none is configured, a
 * PostgreSQL cluster of the given name (default `main`) that is reached by flags and libpq's environment.
 * Throws `not-found` for an unknown name, `usage`.
 */
export function chooseSources({ config: { sources } }: LoadedConfig, choice: SourceChoice): NamedSource[] {
  const { kind, flagged } = choice;
  const suitable = Object.keys(sources).filter((name) => kind === undefined || sources[name]?.kind === kind);
  const names =
    choice.names.length > 0 ? [...new Set(choice.names)] : suitable.length > 0 ? suitable : [defaultSourceName];
  if (flagged && names.length > 1) {
    throw new OperationError('usage', `connection flags are for one source, and ${names.length} are meant`, {
      hint: `name the one: ${names.join(', ')}`,
    });
  }
  return names.map((name) => {
    const config = sources[name] ?? (flagged || suitable.length === 0 ? adHocSource(name) : undefined);
    if (config === undefined) {
      throw new OperationError('not-found', `there is no source "${name}"`, { hint: nameHint(name, suitable) });
    }
    if (kind !== undefined && config.kind !== kind) {
      throw new OperationError('usage', `"${name}" is a source of kind ${config.kind}, and this is for ${kind}`, {
        hint: suitable.length === 0 ? `no source of kind ${kind} is configured` : `name one of: ${suitable.join(', ')}`,
      });
    }
    return { name, config };
  });
}

function adHocSource(name: string): SourceConfig {
  if (!namePattern.test(name)) {
    throw new OperationError('usage', `"${name}" cannot be the name of a source`, {
      hint: 'a name has letters, digits, ".", "_" and "-"',
    });
  }
  return configSchema.parse({ sources: { [name]: { kind: 'postgres' } } }).sources[name]!;
}
