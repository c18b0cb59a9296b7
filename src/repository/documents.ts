import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { isId } from '../base/hex.ts';
import type { Sealer } from './crypto/sealer.ts';
import { decompressFrame, zstdBound } from './crypto/zstd.ts';

/** Sealed JSON documents, each named by the SHA-256 of its sealed bytes (restic design, "Unpacked Data Format"). */
export type DocumentKind = 'snapshots' | 'index' | 'locks';

const compressedMarker = 2;
const maxDocumentBytes = 1024 * 1024 * 1024;

/** Saves a document; resolves with its id once it is durable. */
export async function saveDocument(
  ctx: Context,
  at: { readonly backend: Backend; readonly sealer: Sealer },
  document: { readonly kind: DocumentKind; readonly json: Uint8Array },
): Promise<string> {
  // one piece of output: the usual 16 KiB would have to be joined
  const compressed = zstdCompressSync(document.json, { chunkSize: zstdBound(document.json.byteLength) });
  const sealed = at.sealer.seal(Buffer.concat([Buffer.of(compressedMarker), compressed]));
  const id = hash('sha256', sealed, 'hex');
  await at.backend.put(ctx, `${document.kind}/${id}`, sealed);
  return id;
}

/** Loads a document and checks its name, its tag and its encoding; throws `object-missing`, `repository-damaged`. */
export async function loadDocument(
  ctx: Context,
  at: { readonly backend: Backend; readonly sealer: Sealer },
  document: { readonly kind: DocumentKind; readonly id: string },
): Promise<Buffer> {
  const name = `${document.kind}/${document.id}`;
  const sealed = await at.backend.get(ctx, name);
  if (hash('sha256', sealed, 'hex') !== document.id) throw damaged(name, 'its content does not match its name');
  const plain = at.sealer.isAuthentic(sealed) ? at.sealer.open(sealed) : undefined;
  if (plain === undefined) throw damaged(name, 'its authentication tag does not match');
  if (plain[0] === compressedMarker) return decompressFrame(plain.subarray(1), maxDocumentBytes);
  if (plain[0] === 0x7b || plain[0] === 0x5b) return plain;
  throw damaged(name, 'it has an unknown encoding');
}

/** Ids of all documents of a kind; names that are no ids are ignored, as restic does. */
export async function listIds(ctx: Context, backend: Backend, kind: DocumentKind | 'keys'): Promise<string[]> {
  const ids: string[] = [];
  for await (const { name } of backend.list(ctx, `${kind}/`)) {
    const id = name.slice(kind.length + 1);
    if (isId(id)) ids.push(id);
  }
  return ids;
}

function damaged(name: string, reason: string): OperationError {
  return new OperationError('repository-damaged', `${name} is damaged: ${reason}`, { detail: { object: name } });
}
