import { BlobList } from '../blobList.ts';
import { nodeTypes, type NodeType } from '../fileMode.ts';
import { nameProblem, type ExtendedAttribute, type TreeNode } from '../node.ts';
import { parseTimestamp, zeroTime } from '../time.ts';
import { isId } from '../../base/hex.ts';
import { goUnquote } from './goQuote.ts';
import type { JsonScanner } from './jsonScanner.ts';

const maxUint32 = 2n ** 32n - 1n;
const maxUint64 = 2n ** 64n - 1n;
const nullId = '0'.repeat(64);

type Mutable<T> = { -readonly [K in keyof T]?: T[K] };

/** Everything a node can have, before it is known which kind of node it is. */
interface NodeFields {
  name?: Buffer;
  type?: string;
  mode?: number;
  mtimeNs?: bigint;
  atimeNs?: bigint;
  ctimeNs?: bigint;
  uid?: number;
  gid?: number;
  user?: string;
  group?: string;
  inode?: bigint;
  deviceId?: bigint;
  size?: bigint;
  links?: bigint;
  linkTarget?: Buffer;
  linkTargetRaw?: Buffer;
  extendedAttributes?: readonly ExtendedAttribute[];
  genericAttributes?: string;
  device?: bigint;
  content?: BlobList;
  subtree?: string;
  error?: string;
}

type Reader<T> = (scanner: JsonScanner) => T;
type FieldReader = { readonly bit: number; readonly read: (fields: NodeFields, scanner: JsonScanner) => void };

const fieldReaders = new Map<string, FieldReader>();

function field<K extends keyof NodeFields>(key: string, target: K, read: Reader<NonNullable<NodeFields[K]>>): void {
  const bit = 2 ** fieldReaders.size;
  fieldReaders.set(key, { bit, read: (fields, scanner) => void (fields[target] = read(scanner)) });
}

const text: Reader<string> = (scanner) => scanner.string();
const uint32: Reader<number> = (scanner) => Number(scanner.unsigned(maxUint32));
const uint64: Reader<bigint> = (scanner) => scanner.unsigned(maxUint64);

field('name', 'name', (scanner) => goUnquote(scanner.string()) ?? scanner.fail('a name is not quoted as Go does'));
field('type', 'type', text);
field('mode', 'mode', uint32);
field('mtime', 'mtimeNs', time);
field('atime', 'atimeNs', time);
field('ctime', 'ctimeNs', time);
field('uid', 'uid', uint32);
field('gid', 'gid', uint32);
field('user', 'user', text);
field('group', 'group', text);
field('inode', 'inode', uint64);
field('device_id', 'deviceId', uint64);
field('size', 'size', uint64);
field('links', 'links', uint64);
field('linktarget', 'linkTarget', (scanner) => Buffer.from(scanner.string(), 'utf8'));
field('linktarget_raw', 'linkTargetRaw', base64);
field('extended_attributes', 'extendedAttributes', attributes);
field('generic_attributes', 'genericAttributes', (scanner) => scanner.raw().toString('utf8'));
field('device', 'device', uint64);
field('content', 'content', blobList);
field('subtree', 'subtree', id);
field('error', 'error', text);

/** Reads one node object and checks everything that a node can get wrong by itself. Throws `repository-damaged`. */
export function readNode(scanner: JsonScanner): TreeNode {
  const fields: NodeFields = {};
  let seen = 0;
  scanner.object((key) => {
    const reader = fieldReaders.get(key);
    if (reader === undefined) {
      scanner.raw();
      return;
    }
    if ((seen & reader.bit) !== 0) scanner.fail(`a node has two members ${key}`);
    seen |= reader.bit;
    if (!scanner.takeNull()) reader.read(fields, scanner);
  });
  return assembleNode(fields, scanner);
}

function assembleNode(fields: NodeFields, scanner: JsonScanner): TreeNode {
  const { name, type, linkTarget, linkTargetRaw, content, subtree, device, ...rest } = fields;
  if (name === undefined) return scanner.fail('a node has no name');
  const problem = nameProblem(name);
  if (problem !== undefined) scanner.fail(`the name ${JSON.stringify(name.toString())} ${problem}`);
  if (type !== 'file' && content !== undefined && content.count > 0)
    scanner.fail(`${type} ${name.toString()} has content`);
  if (type !== 'dir' && subtree !== undefined) scanner.fail(`${type} ${name.toString()} has a subtree`);
  const common = { name, ...withDefaults(rest) };
  switch (type) {
    case 'file':
      if (content === undefined) return scanner.fail(`file ${name.toString()} has no content list`);
      return { ...common, type, size: rest.size ?? 0n, content };
    case 'dir':
      if (subtree === undefined) return scanner.fail(`directory ${name.toString()} has no subtree`);
      return { ...common, type, subtree };
    case 'symlink':
      return { ...common, type, linkTarget: linkTargetRaw ?? linkTarget ?? Buffer.alloc(0) };
    default:
      if (!isNodeType(type)) return scanner.fail(`${name.toString()} has the unknown type ${JSON.stringify(type)}`);
      return device === undefined ? { ...common, type } : { ...common, type, device };
  }
}

type Rest = Omit<NodeFields, 'name' | 'type' | 'linkTarget' | 'linkTargetRaw' | 'content' | 'subtree' | 'device'>;

function withDefaults(fields: Rest) {
  return {
    ...fields,
    mode: fields.mode ?? 0,
    mtimeNs: fields.mtimeNs ?? zeroTime.ns,
    atimeNs: fields.atimeNs ?? zeroTime.ns,
    ctimeNs: fields.ctimeNs ?? zeroTime.ns,
    uid: fields.uid ?? 0,
    gid: fields.gid ?? 0,
  };
}

function isNodeType(type: string | undefined): type is Exclude<NodeType, 'file' | 'dir' | 'symlink'> {
  return (nodeTypes as readonly (string | undefined)[]).includes(type);
}

function time(scanner: JsonScanner): bigint {
  const value = scanner.string();
  return parseTimestamp(value)?.ns ?? scanner.fail(`${JSON.stringify(value)} is not a time`);
}

function id(scanner: JsonScanner): string {
  const value = scanner.string();
  if (!isId(value) || value === nullId) scanner.fail(`${JSON.stringify(value)} is not a blob id`);
  return value;
}

function base64(scanner: JsonScanner): Buffer {
  const value = scanner.string();
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : scanner.fail('a value is not base64');
}

function attributes(scanner: JsonScanner): ExtendedAttribute[] {
  const list: ExtendedAttribute[] = [];
  scanner.array(() => {
    const attribute: Mutable<ExtendedAttribute> = {};
    scanner.object((key) => {
      if (key === 'name') attribute.name = scanner.string();
      else if (key === 'value') attribute.value = scanner.takeNull() ? Buffer.alloc(0) : base64(scanner);
      else scanner.raw();
    });
    list.push({ name: attribute.name ?? '', value: attribute.value ?? Buffer.alloc(0) });
  });
  return list;
}

function blobList(scanner: JsonScanner): BlobList {
  scanner.peek();
  const end = scanner.bytes.indexOf(0x5d, scanner.at) + 1;
  const list = end === 0 ? undefined : BlobList.fromJson(scanner.bytes.subarray(scanner.at, end));
  if (list !== undefined) {
    scanner.at = end;
    return list;
  }
  const ids: string[] = [];
  scanner.array(() => void ids.push(id(scanner)));
  return BlobList.fromHex(ids);
}
