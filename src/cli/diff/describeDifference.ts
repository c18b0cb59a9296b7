import { unixModeFromGo } from '../../snapshot/fileMode.ts';
import type { TreeDifference } from '../../snapshot/diff.ts';
import type { TreeNode } from '../../snapshot/node.ts';
import { formatUtc } from '../../snapshot/time.ts';
import { formatBytes } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { styled, type Terminal } from '../terminal.ts';

/** The letters are those of restic. */
export type Modifier = '+' | '-' | 'M' | 'T' | 'U';

const contentAspects = new Set(['content', 'target', 'device']);

export function modifierOf({ before, after, aspects }: TreeDifference): Modifier {
  if (before === undefined) return '+';
  if (after === undefined) return '-';
  if (aspects.includes('type')) return 'T';
  return aspects.some((aspect) => contentAspects.has(aspect)) ? 'M' : 'U';
}

/** The object that `diff --json` prints. */
export function differenceFields(difference: TreeDifference): Record<string, unknown> {
  const { path, before, after, aspects } = difference;
  return {
    path: `/${path.toString()}`,
    modifier: modifierOf(difference),
    aspects,
    ...(before === undefined ? {} : { before: nodeFields(before) }),
    ...(after === undefined ? {} : { after: nodeFields(after) }),
  };
}

function nodeFields(node: TreeNode): Record<string, unknown> {
  return {
    type: node.type,
    ...(node.type === 'file' ? { size: Number(node.size) } : {}),
    ...(node.type === 'symlink' ? { linktarget: node.linkTarget.toString() } : {}),
    mode: modeText(node),
    uid: node.uid,
    gid: node.gid,
    mtime: formatUtc(node.mtimeNs),
  };
}

const colours = { '+': 'green', '-': 'red', 'M': 'yellow', 'T': 'yellow', 'U': undefined } as const;

/** `M /srv/app/a.txt  10 B -> 12 B, mode 0644 -> 0755`. */
export function differenceText(terminal: Terminal, difference: TreeDifference): string {
  const { path, before, after } = difference;
  const modifier = modifierOf(difference);
  const colour = colours[modifier];
  const sign = colour === undefined ? modifier : styled(terminal, colour, modifier);
  const details = detailsOf(difference).join(', ');
  const isDirectory = (after ?? before)?.type === 'dir';
  return `${sign} ${visible(`/${path.toString()}`)}${isDirectory ? '/' : ''}${details === '' ? '' : `  ${details}`}`;
}

function detailsOf({ before, after, aspects }: TreeDifference): string[] {
  if (before === undefined || after === undefined) {
    const node = before ?? after;
    return node?.type === 'file' ? [formatBytes(node.size)] : [];
  }
  const told = aspects.length > 1 ? aspects.filter((aspect) => aspect !== 'time') : aspects;
  return told.map((aspect) => {
    if (aspect === 'type') return `${before.type} -> ${after.type}`;
    if (aspect === 'content') return `${sizeText(before)} -> ${sizeText(after)}`;
    if (aspect === 'target') return `-> ${visible(targetOf(before))}, now -> ${visible(targetOf(after))}`;
    if (aspect === 'mode') return `mode ${modeText(before)} -> ${modeText(after)}`;
    if (aspect === 'owner') return `owner ${ownerOf(before)} -> ${ownerOf(after)}`;
    if (aspect === 'time') return `time ${timeOf(before)} -> ${timeOf(after)}`;
    return aspect;
  });
}

function sizeText(node: TreeNode): string {
  return formatBytes(node.type === 'file' ? node.size : 0n);
}

function targetOf(node: TreeNode): string {
  return node.type === 'symlink' ? node.linkTarget.toString() : '';
}

function modeText(node: TreeNode): string {
  return (unixModeFromGo(node.mode, node.type) % 0o10000).toString(8).padStart(4, '0');
}

function ownerOf({ user, uid, group, gid }: TreeNode): string {
  return `${user ?? uid}:${group ?? gid}`;
}

function timeOf({ mtimeNs }: TreeNode): string {
  return formatUtc(mtimeNs).slice(0, 19).replace('T', ' ');
}
