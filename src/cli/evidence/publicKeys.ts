import { existsSync } from 'node:fs';
import type { KeyObject } from 'node:crypto';
import { publicKeyPath, readPublicKey } from '../../recovery/envelope.ts';
import type { Invocation } from '../command.ts';

/** Files with the keys that check signatures: those that are given, else the one beside the configured private key. */
async function publicKeyFiles(
  { loadConfig }: Pick<Invocation, 'loadConfig'>,
  given: readonly string[],
): Promise<readonly string[]> {
  if (given.length > 0) return given;
  const { signingKeyFile } = (await loadConfig()).config.evidence;
  const path = signingKeyFile === undefined ? undefined : publicKeyPath(signingKeyFile);
  return path !== undefined && existsSync(path) ? [path] : [];
}

/** Throws `file-missing`, `config-invalid`. */
export async function publicKeys(
  invocation: Pick<Invocation, 'loadConfig'>,
  given: readonly string[],
): Promise<KeyObject[]> {
  return (await publicKeyFiles(invocation, given)).map(readPublicKey);
}
