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
  const raw = parseObject(json);
  if (raw['version'] !== 2) {
    throw new OperationError('repository-unsupported', `the repository has format version ${String(raw['version'])}`, {
      hint:
        raw['version'] === 1
          ? 'upgrade it with `restic migrate upgrade_repo_v2`'
          : 'a newer client made it: update Understudy',
    });
  }
  const { id, chunker_polynomial: text } = raw;
  const polynomial = typeof text === 'string' && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : 0n;
  if (typeof id !== 'string' || !isId(id)) throw damaged();
  if (polynomialDegree(polynomial) !== 53 || !isIrreducible(polynomial)) throw damaged();
  return { version: 2, id, chunkerPolynomial: polynomial, appendOnly: raw['append_only'] === true };
}

function parseObject(json: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(json.toString('utf8'))) as Record<string, unknown>;
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): OperationError {
  return new OperationError('repository-damaged', 'the repository configuration is damaged', {
    hint: 'restore the `config` object from a copy of the repository',
    cause,
  });
}
