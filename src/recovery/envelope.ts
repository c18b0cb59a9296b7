import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../base/atomicFile.ts';
import { OperationError, errorMessage, systemErrorCode } from '../base/errors.ts';
import type { Evidence } from './evidenceSchema.ts';

export const payloadType = 'application/vnd.in-toto+json';
const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://in-toto.io/attestation/test-result/v0.1';
const secretMode = 0o600;
const publicMode = 0o644;

export const envelopeSchema = z.object({
  payload: z.base64(),
  payloadType: z.literal(payloadType),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.base64() })).min(1),
});

/** A signed statement: DSSE 1.0 (github.com/secure-systems-lab/dsse). */
export type Envelope = z.infer<typeof envelopeSchema>;

const statementSchema = z.object({
  _type: z.literal(statementType),
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256: z.string() }) })).min(1),
  predicateType: z.literal(predicateType),
  predicate: z.looseObject({ result: z.enum(['PASSED', 'WARNED', 'FAILED']) }),
});

/** An in-toto Statement v1 with the predicate test-result v0.1. */
export type Statement = z.infer<typeof statementSchema>;

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal. */
  readonly keyId: string;
}

/** Makes a key pair: the private key in the file, readable by its owner alone, the public one beside it as `.pub`. */
export function writeSigningKey(path: string): { readonly keyId: string; readonly publicKey: string } {
  const publicKey = publicKeyPath(path);
  for (const taken of [path, publicKey]) {
    if (existsSync(taken)) {
      throw new OperationError('usage', `${taken} exists, and a signing key is not replaced`, {
        hint: 'name another file; evidence signed with a lost key can no longer be proved',
      });
    }
  }
  const pair = generateKeyPairSync('ed25519');
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileAtomic(path, Buffer.from(pem), { mode: secretMode });
  writeFileAtomic(publicKey, Buffer.from(pair.publicKey.export({ type: 'spki', format: 'pem' })), { mode: publicMode });
  return { keyId: keyIdOf(pair.publicKey), publicKey };
}

export function publicKeyPath(privateKeyPath: string): string {
  return `${privateKeyPath}.pub`;
}

/** Reads a private key. Throws `file-missing`, `file-denied` (also when others may read it), `config-invalid`. */
export function readSigningKey(path: string): SigningKey {
  const pem = readKey(path);
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new OperationError('file-denied', `others may read the signing key ${path}`, { hint: `chmod 600 ${path}` });
  }
  const privateKey = parsed(path, () => createPrivateKey(pem));
  return { privateKey, keyId: keyIdOf(createPublicKey(privateKey)) };
}

/** Reads a public key in PEM. Throws as `readSigningKey`. */
export function readPublicKey(path: string): KeyObject {
  const pem = readKey(path);
  return parsed(path, () => createPublicKey(pem));
}

export function keyIdOf(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: 'spki', format: 'der' }));
}

/** Signs what evidence says of its run: the subject is the report's digest. */
export function signEvidence(evidence: Evidence, report: Uint8Array, { privateKey, keyId }: SigningKey): Envelope {
  const payload = Buffer.from(JSON.stringify(statementOf(evidence, report)));
  const sig = sign(null, preAuthentication(payload), privateKey).toString('base64');
  return { payload: payload.toString('base64'), payloadType, signatures: [{ keyid: keyId, sig }] };
}

/** What the envelope says; undefined unless one of its signatures is by this key, and right. */
export function openEnvelope({ payload, signatures }: Envelope, publicKey: KeyObject): Statement | undefined {
  const bytes = Buffer.from(payload, 'base64');
  const signed = preAuthentication(bytes);
  const genuine = signatures.some(({ sig }) => verify(null, signed, publicKey, Buffer.from(sig, 'base64')));
  return genuine ? statementSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data : undefined;
}

/** Undefined when the text is no envelope. */
export function parseEnvelope(json: Uint8Array): Envelope | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(Buffer.from(json).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Whether a statement is about these bytes. */
export function isAbout({ subject }: Statement, report: Uint8Array): boolean {
  return subject[0]?.digest.sha256 === sha256(report);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes that are signed, DSSE's PAE. */
function preAuthentication(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

function statementOf({ report: { id }, authority, backups, result, checks }: Evidence, report: Uint8Array): Statement {
  const named = (...statuses: readonly string[]): string[] =>
    checks.filter(({ status }) => statuses.includes(status)).map(({ name }) => name);
  const { plan, policyDigest } = authority;
  const snapshots = [...new Set(backups.flatMap(({ snapshot }) => snapshot ?? []))];
  return {
    _type: statementType,
    subject: [
      { name: `${id}.json`, digest: { sha256: sha256(report) } },
      ...snapshots.map((snapshot) => ({ name: `snapshot ${snapshot}`, digest: { sha256: snapshot } })),
    ],
    predicateType,
    predicate: {
      result: resultWord(result.verdict),
      configuration: [
        { name: `plan ${plan.name}, version ${plan.version}`, digest: { sha256: plan.digest } },
        ...(policyDigest === null ? [] : [{ name: 'configuration', digest: { sha256: policyDigest } }]),
      ],
      passedTests: named('passed'),
      warnedTests: named('warning', 'skipped'),
      failedTests: named('failed', 'inconclusive'),
    },
  };
}

/** The predicate has three words; what could not be tested has not passed. */
function resultWord(verdict: Evidence['result']['verdict']): 'PASSED' | 'WARNED' | 'FAILED' {
  return verdict === 'passed' ? 'PASSED' : verdict === 'warned' ? 'WARNED' : 'FAILED';
}

function readKey(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = systemErrorCode(cause) === 'EACCES' ? 'file-denied' : 'file-missing';
    throw new OperationError(code, `cannot read the key ${path}: ${errorMessage(cause)}`, {
      hint: '`understudy evidence keygen` makes one',
      cause,
    });
  }
}

function parsed(path: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = parse();
  } catch {
    // told below, without what the parser saw
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new OperationError('config-invalid', `${path} holds no Ed25519 key in PEM`, {
    hint: '`understudy evidence keygen` makes one',
  });
}
