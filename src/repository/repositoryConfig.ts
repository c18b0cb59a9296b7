import { randomBytes } from 'node:crypto';
import { OperationError } from '../base/errors.ts';
import { isId } from '../base/hex.ts';
import { isIrreducible, polynomialDegree, randomPolynomial } from './polynomial.ts';

/** The `config` object: what every client must agree on. */
export interface RepositoryConfig {
  readonly version: 2;
  /** 64 hex digits; identifies the repository and its caches. */
  readonly id: string;
  readonly chunkerPolynomial: bigint;
  /** rustic's extension: nobody may delete. */
  readonly appendOnly: boolean;
}

export function createConfig(chunkerPolynomial = randomPolynomial()): RepositoryConfig {
  return { version: 2, id: randomBytes(32).toString('hex'), chunkerPolynomial, appendOnly: false };
}

export function serializeConfig(config: RepositoryConfig): Buffer {
  const { version, id, chunkerPolynomial } = config;
  return Buffer.from(JSON.stringify({ version, id, chunker_polynomial: chunkerPolynomial.toString(16) }));
}

/** Reads `config`; throws `repository-unsupported` for another version and `repository-damaged` for nonsense. */
export function parseConfig(json: Buffer): RepositoryConfig {
  const raw = JSON.parse(json.toString('utf8')) as Record<string, unknown>;
  if (raw.version !== 2) {
    throw new OperationError('repository-unsupported', `the repository has format version ${String(raw.version)}`, {
      hint: raw.version === 1 ? 'upgrade it with `restic migrate upgrade_repo_v2`' : 'a newer client made it: update Understudy',
    });
  }
  const polynomial = typeof raw.chunker_polynomial === 'string' ? BigInt(`0x${raw.chunker_polynomial}`) : 0n;
  if (typeof raw.id !== 'string' || !isId(raw.id) || polynomialDegree(polynomial) !== 53 || !isIrreducible(polynomial)) {
    throw new OperationError('repository-damaged', 'the repository configuration is damaged');
  }
  return { version: 2, id: raw.id, chunkerPolynomial: polynomial, appendOnly: raw.append_only === true };
}
