import { dirname } from 'node:path';
import { Secret } from '../base/secret.ts';
import { findConfig, type FindConfigOptions } from './findConfig.ts';
import { resolvePaths } from './relativePaths.ts';
import { compressionLevels, parsePackSize, type Compression } from './repositoryDefaults.ts';
import type { RepositorySection } from './repositorySettings.ts';

/**
 * The `repository` section alone, without loading the schema library: for programs that PostgreSQL starts once per
 * WAL segment. Whatever is not plainly right is left to the full loader, which then gives the proper error.
 * A mistake elsewhere in the file does not stop archiving.
 */
export async function quickRepositorySection(options: FindConfigOptions): Promise<RepositorySection> {
  const path = findConfig(options);
  if (path === undefined) return {};
  return (await readPlainSection(path)) ?? (await fullSection(options));
}

async function fullSection(options: FindConfigOptions): Promise<RepositorySection> {
  const { loadConfig } = await import('./loadConfig.ts');
  return loadConfig(options).config.repository;
}

async function readPlainSection(path: string): Promise<RepositorySection | undefined> {
  const [{ readFileSync }, { parse }] = await Promise.all([import('node:fs'), import('yaml')]);
  let file: unknown;
  try {
    file = parse(readFileSync(path, 'utf8'), { logLevel: 'silent' });
  } catch {
    return undefined; // unreadable or not YAML: the full loader says how
  }
  const section: unknown = isRecord(file) ? (file['repository'] ?? {}) : undefined;
  return isRecord(section) ? plainSection(resolvePaths({ repository: section }, dirname(path)).repository) : undefined;
}

function plainSection(section: Readonly<Record<string, unknown>>): RepositorySection | undefined {
  const { location, password, passwordFile, passwordCommand, compression, packSize, keyCacheFile, ...unknown } =
    section;
  const texts = [location, password, passwordFile, passwordCommand, compression, packSize, keyCacheFile];
  if (Object.keys(unknown).length > 0 || !texts.every((text) => text === undefined || isText(text))) return undefined;
  if ([password, passwordFile, passwordCommand].filter((text) => text !== undefined).length > 1) return undefined;
  const pack = isText(packSize) ? parsePackSize(packSize) : undefined;
  if (pack !== undefined && 'problem' in pack) return undefined;
  if (compression !== undefined && !isCompression(compression)) return undefined;
  return {
    location: textOf(location),
    password: isText(password) ? new Secret(password) : undefined,
    passwordFile: textOf(passwordFile),
    passwordCommand: textOf(passwordCommand),
    compression,
    packSize: pack?.bytes,
    keyCacheFile: textOf(keyCacheFile),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function isCompression(value: unknown): value is Compression {
  return compressionLevels.some((level) => level === value);
}
