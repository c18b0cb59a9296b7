import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { timelineHistoryFileName } from '../postgres/timeline.ts';
import { parseWalFileName, type WalFileName } from '../postgres/walFileName.ts';

/** Beginning of the names of everything that the archive of one cluster holds. */
export function walPrefix(systemIdentifier: SystemIdentifier): string {
  return `wal/${systemIdentifier}/`;
}

/** The name that PostgreSQL gives the file. */
export function walFileNameText(file: WalFileName): string {
  switch (file.kind) {
    case 'segment':
      return file.segment;
    case 'partial':
      return `${file.segment}.partial`;
    case 'history':
      return timelineHistoryFileName(file.timeline);
    case 'backup':
      return `${file.segment}.${file.offsetBytes.toString(16).toUpperCase().padStart(8, '0')}.backup`;
  }
}

/** Name of the object that holds a file: history files beside the directories of the timelines, the rest inside. */
export function walObjectName(systemIdentifier: SystemIdentifier, file: WalFileName): string {
  const name = walFileNameText(file);
  const folder = file.kind === 'history' ? '' : `${file.segment.slice(0, 8)}/`;
  return `${walPrefix(systemIdentifier)}${folder}${name}`;
}

/** The file that an object of this archive holds; undefined for names that the archive never writes. */
export function parseWalObjectName(systemIdentifier: SystemIdentifier, objectName: string): WalFileName | undefined {
  const file = parseWalFileName(objectName.slice(objectName.lastIndexOf('/') + 1));
  return file !== undefined && walObjectName(systemIdentifier, file) === objectName ? file : undefined;
}
