import { isUtf8 } from 'node:buffer';
import type { BlobList } from '../blobList.ts';
import type { TreeNode } from '../node.ts';
import { formatUtc } from '../time.ts';
import { goJsonBytes, goJsonString } from './goJson.ts';
import { goQuote } from './goQuote.ts';

/** A node's JSON in up to three pieces, so that a long content list never becomes a string. */
export interface NodeJson {
  readonly head: string;
  readonly content: BlobList | undefined;
  readonly tail: string;
}

/** The JSON of a node with restic's members, order and omissions, for any node that `readNode` accepts. */
export function writeNode(node: TreeNode): NodeJson {
  const head =
    `{"name":${goJsonString(goQuote(node.name))},"type":"${node.type}"${count('mode', node.mode)}` +
    `,"mtime":"${formatUtc(node.mtimeNs)}","atime":"${formatUtc(node.atimeNs)}","ctime":"${formatUtc(node.ctimeNs)}"` +
    `,"uid":${node.uid},"gid":${node.gid}${string('user', node.user)}${string('group', node.group)}` +
    `${count('inode', node.inode)}${count('device_id', node.deviceId)}${count('size', node.size)}` +
    `${count('links', node.links)}${linkTarget(node)}${extendedAttributes(node)}${genericAttributes(node)}` +
    `${node.type === 'dev' || node.type === 'chardev' ? count('device', node.device) : ''},"content":`;
  const error = string('error', node.error);
  if (node.type === 'file') return { head, content: node.content, tail: `${error}}` };
  const subtree = node.type === 'dir' ? `,"subtree":"${node.subtree}"` : '';
  return { head, content: undefined, tail: `null${subtree}${error}}` };
}

function count(key: string, value: number | bigint | undefined): string {
  return value === undefined || value === 0 || value === 0n ? '' : `,"${key}":${value}`;
}

function string(key: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `,"${key}":${goJsonString(value)}`;
}

/** restic since 0.16 stores a target that is not UTF-8 a second time, as base64; older clients see the lossy one. */
function linkTarget(node: TreeNode): string {
  if (node.type !== 'symlink' || node.linkTarget.length === 0) return '';
  const lossy = `,"linktarget":${goJsonBytes(node.linkTarget)}`;
  return isUtf8(node.linkTarget) ? lossy : `${lossy},"linktarget_raw":"${node.linkTarget.toString('base64')}"`;
}

function extendedAttributes(node: TreeNode): string {
  const list = node.extendedAttributes ?? [];
  if (list.length === 0) return '';
  const items = list.map(({ name, value }) => `{"name":${goJsonString(name)},"value":"${value.toString('base64')}"}`);
  return `,"extended_attributes":[${items.join(',')}]`;
}

function genericAttributes(node: TreeNode): string {
  const text = node.genericAttributes;
  return text === undefined || text === '{}' ? '' : `,"generic_attributes":${text}`;
}
