import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { crossCheck } from './crossCheck.ts';
import { findConfig, type FindConfigOptions } from './findConfig.ts';
import { hasVariable } from './interpolate.ts';
import { problemsOf, type Problem } from './problem.ts';
import { resolvePaths } from './relativePaths.ts';
import { configSchema, type Config } from './schema.ts';
import { configProblem, parseYaml, type YamlFile } from './yamlFile.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** The file it came from; undefined when there is none and everything is at its default. */
  readonly path: string | undefined;
  /** What a person should know, e.g. that others can read a password in the file. */
  readonly warnings: readonly string[];
}

/**
 * Finds, reads and checks `understudy.yaml`. Relative paths in it start at its directory.
 * Errors: `config-missing` (named but absent), `config-invalid` (file and line in the message), `file-denied`,
 * `file-io`.
 */
export function loadConfig(options: FindConfigOptions): LoadedConfig {
  const path = findConfig(options);
  if (path === undefined) return { config: configSchema.parse({}), path, warnings: [] };
  const config = parseConfig(readConfigFile(path), path);
  return { config, path, warnings: permissionWarnings(config, path) };
}

/** Checks the text of a configuration file; `path` is its place, for messages and for relative paths. */
export function parseConfig(text: string, path: string): Config {
  const file = parseYaml(text, path);
  const parsed = configSchema.safeParse(file.value ?? {}, { reportInput: true });
  if (!parsed.success)
    throw problemAt(
      file,
      path,
      parsed.error.issues.flatMap((issue) => problemsOf(issue)),
    );
  const problems = crossCheck(parsed.data);
  if (problems.length > 0) throw problemAt(file, path, problems);
  return resolvePaths(parsed.data, dirname(path));
}

/** Reads a configuration file; system errors become `file-denied` or `file-io`. */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const denied = systemErrorCode(cause) === 'EACCES';
    throw new OperationError(denied ? 'file-denied' : 'file-io', `cannot read configuration file ${path}`, {
      hint: denied ? 'may the user who runs understudy read it?' : 'is it a regular file?',
      cause,
    });
  }
}

function problemAt(file: YamlFile, path: string, problems: readonly Problem[]): OperationError {
  const placed = problems
    .map((problem) => ({ problem, line: file.lineOf(problem.path, problem.key) }))
    .sort((a, b) => a.line - b.line);
  const first = placed[0]!.line;
  return configProblem(
    `${path}:${first}`,
    placed.map(({ problem }) => problem),
  );
}

function permissionWarnings(config: Config, path: string): string[] {
  const others = statSync(path).mode & 0o044;
  if (others === 0 || !literalSecrets(config)) return [];
  return [`${path} holds a password and can be read by other users: run chmod 600 ${path}`];
}

function literalSecrets(value: unknown, key = ''): boolean {
  if (value instanceof Secret) {
    const text = value.reveal();
    return !hasVariable(text) && (key !== 'uri' || /:[^/@]+@|[?&]password=/.test(text));
  }
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, item]) => literalSecrets(item, name));
}
