import { OperationError, errorMessage } from '../base/errors.ts';
import { isId } from '../base/hex.ts';
import { DocumentReader } from './json/documentReader.ts';
import { goJson, parseJson, type JsonObject, type JsonValue } from './json/goJson.ts';
import { parseSnapshotSummary, summaryJson, type SnapshotSummary } from './snapshotSummary.ts';
import { formatTimestamp, type Timestamp } from './time.ts';

/**
 * What a snapshot file says (restic's format, docs/design/repository.md). Members that restic omits are empty or 0
 * here.
 */
export interface SnapshotDocument {
  /** When the backup was taken, in the UTC offset of the machine that took it. */
  readonly time: Timestamp;
  /** Snapshot that unchanged files were recognised by. */
  readonly parent?: string;
  /** Id of the root tree. */
  readonly tree: string;
  readonly paths: readonly string[];
  readonly hostname: string;
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
  readonly excludes: readonly string[];
  readonly tags: readonly string[];
  /** Id of the first version of this snapshot, when it was rewritten (tagged). */
  readonly original?: string;
  readonly programVersion?: string;
  readonly summary?: SnapshotSummary;
  /** Members that we do not know, kept when the document is written again. Stock clients drop them. */
  readonly unknownFields?: JsonObject;
}

/** Reads the decrypted JSON of a snapshot; `id` names it in errors. Throws `repository-damaged`. */
export function parseSnapshotDocument(json: Uint8Array, id: string): SnapshotDocument {
  const what = `snapshot ${id.slice(0, 8)}`;
  const reader = new DocumentReader(parseObject(json, what), what);
  const tree = reader.text('tree');
  if (!isId(tree)) reader.fail('tree is not a blob id');
  const known = {
    time: reader.time('time'),
    tree,
    paths: reader.texts('paths'),
    hostname: reader.text('hostname'),
    username: reader.text('username'),
    uid: reader.count('uid'),
    gid: reader.count('gid'),
    excludes: reader.texts('excludes'),
    tags: reader.texts('tags'),
  };
  const optional = {
    parent: reader.text('parent'),
    original: reader.text('original'),
    programVersion: reader.text('program_version'),
  };
  const summary = reader.object('summary');
  const unknown = reader.rest();
  return {
    ...known,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== '')),
    ...(summary === undefined ? {} : { summary: parseSnapshotSummary(summary, what) }),
    ...(Object.keys(unknown).length === 0 ? {} : { unknownFields: unknown }),
  };
}

/** JSON text of a snapshot with restic's members in restic's order, unknown ones last. */
export function serializeSnapshotDocument(document: SnapshotDocument): Buffer {
  const members: JsonObject = {
    time: formatTimestamp(document.time),
    parent: document.parent,
    tree: document.tree,
    paths: document.paths,
    hostname: nonEmpty(document.hostname),
    username: nonEmpty(document.username),
    uid: nonZero(document.uid),
    gid: nonZero(document.gid),
    excludes: nonEmptyList(document.excludes),
    tags: nonEmptyList(document.tags),
    original: document.original,
    program_version: document.programVersion,
    summary: document.summary === undefined ? undefined : summaryJson(document.summary),
    ...document.unknownFields,
  };
  return Buffer.from(goJson(members), 'utf8');
}

function parseObject(json: Uint8Array, what: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw new OperationError('repository-damaged', `${what} is damaged: ${errorMessage(error)}`, { cause: error });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new OperationError('repository-damaged', `${what} is damaged: it is not a JSON object`);
  }
  return value as JsonObject;
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function nonZero(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

function nonEmptyList(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}
