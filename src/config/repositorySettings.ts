import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { fillSecret, type Environment } from './interpolate.ts';
import { nameHint } from './nearestName.ts';
import { options } from './options.ts';
import { resolveLocation } from './relativePaths.ts';
import {
  compressionLevels,
  defaultCompression,
  defaultPackSize,
  defaultPackSizeText,
  parsePackSize,
  type Compression,
} from './repositoryDefaults.ts';

/** Where the password of a repository comes from. */
export type PasswordSource =
  | { readonly kind: 'value'; readonly secret: Secret }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'none' };

export interface RepositorySettings {
  readonly location: string;
  readonly password: PasswordSource;
  readonly compression: Compression;
  readonly packSizeBytes: number;
  /** Path of the unwrapped-key cache; undefined when the owner did not ask for one. */
  readonly keyCacheFile: string | undefined;
}

/** The `repository` section of a configuration file: checked, paths absolute. */
export interface RepositorySection {
  readonly location?: string | undefined;
  readonly password?: Secret | undefined;
  readonly passwordFile?: string | undefined;
  readonly passwordCommand?: string | undefined;
  readonly compression?: Compression | undefined;
  readonly packSize?: number | undefined;
  readonly keyCacheFile?: string | undefined;
}

export interface RepositoryFlags {
  readonly repo?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly passwordCommand?: string | undefined;
}

export interface RepositoryInputs {
  readonly flags: RepositoryFlags;
  readonly environment: Environment;
  readonly section: RepositorySection;
  readonly workingDirectory?: string;
}

/**
 * Decides the repository and how to open it: flag, then UNDERSTUDY_* variable, then file, then RESTIC_* variable.
 * restic's variables come last so that one left in a shell cannot redirect a configured backup.
 * Errors: `config-missing` when no repository is named anywhere, `config-invalid`, `usage`.
 */
export function repositorySettings(inputs: RepositoryInputs): RepositorySettings {
  const { section, environment } = inputs;
  return {
    location: location(inputs),
    password: passwordSource(inputs),
    compression: compression(environment) ?? section.compression ?? defaultCompression,
    packSizeBytes: packSize(environment) ?? section.packSize ?? defaultPackSize,
    keyCacheFile: fromEnvironment(environment, 'repository.keyCacheFile') ?? section.keyCacheFile,
  };
}

function location({ flags, environment, section, workingDirectory }: RepositoryInputs): string {
  const here = workingDirectory ?? process.cwd();
  const given = flags.repo ?? fromEnvironment(environment, 'repository.location');
  if (given !== undefined) return resolveLocation(given, here);
  if (section.location !== undefined) return section.location;
  const restic = set(environment[options['repository.location'].resticEnvironment]);
  if (restic !== undefined) return resolveLocation(restic, here);
  throw new OperationError('config-missing', 'no repository is named', {
    hint: 'use --repo, UNDERSTUDY_REPOSITORY or repository.location in understudy.yaml',
  });
}

function passwordSource({ flags, environment, section }: RepositoryInputs): PasswordSource {
  const own = (option: 'password' | 'passwordFile' | 'passwordCommand') =>
    set(environment[options[`repository.${option}`].environment]);
  const restic = (option: 'password' | 'passwordFile' | 'passwordCommand') =>
    set(environment[options[`repository.${option}`].resticEnvironment]);
  return (
    only('on the command line', { file: flags.passwordFile, command: flags.passwordCommand }) ??
    only('in UNDERSTUDY_PASSWORD...', {
      value: secretOf(own('password')),
      file: own('passwordFile'),
      command: own('passwordCommand'),
    }) ??
    only('in the configuration file', {
      value: section.password && fillSecret(section.password, 'repository.password', environment),
      file: section.passwordFile,
      command: section.passwordCommand,
    }) ??
    only('in RESTIC_PASSWORD...', {
      value: secretOf(restic('password')),
      file: restic('passwordFile'),
      command: restic('passwordCommand'),
    }) ?? { kind: 'none' }
  );
}

interface PasswordChoices {
  readonly value?: Secret | undefined;
  readonly file?: string | undefined;
  readonly command?: string | undefined;
}

/** The one choice that is given at a level; several are an error, since nobody could say which is meant. */
function only(level: string, { value, file, command }: PasswordChoices): PasswordSource | undefined {
  const given = [value, file, command].filter((choice) => choice !== undefined);
  if (given.length > 1) {
    throw new OperationError('usage', `more than one source of the repository password is given ${level}`, {
      hint: 'keep one of password, password file and password command',
    });
  }
  if (value !== undefined) return { kind: 'value', secret: value };
  if (file !== undefined) return { kind: 'file', path: file };
  return command === undefined ? undefined : { kind: 'command', command };
}

function compression(environment: Environment): Compression | undefined {
  const given = fromEnvironment(environment, 'repository.compression');
  if (given === undefined) return undefined;
  const known = compressionLevels.find((level) => level === given);
  if (known !== undefined) return known;
  throw new OperationError('config-invalid', `UNDERSTUDY_COMPRESSION: there is no compression "${given}"`, {
    hint: nameHint(given, compressionLevels),
  });
}

function packSize(environment: Environment): number | undefined {
  const given = fromEnvironment(environment, 'repository.packSize');
  if (given === undefined) return undefined;
  const parsed = parsePackSize(given);
  if ('bytes' in parsed) return parsed.bytes;
  throw new OperationError('config-invalid', `UNDERSTUDY_PACK_SIZE: ${parsed.problem}`, {
    hint: `leave it unset for ${defaultPackSizeText}`,
  });
}

type EnvironmentOption =
  'repository.location' | 'repository.compression' | 'repository.packSize' | 'repository.keyCacheFile';

function fromEnvironment(environment: Environment, option: EnvironmentOption): string | undefined {
  return set(environment[options[option].environment]);
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}

/** An empty variable counts as not set. */
function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
