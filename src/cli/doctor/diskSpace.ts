import { existsSync, statfsSync } from 'node:fs';
import { formatBytes } from '../format.ts';
import type { Finding } from './finding.ts';

const lowestFreeShare = 0.05;

/** How much room there is for a directory; nothing when it does not exist yet. */
export function checkDiskSpace(check: string, directory: string): Finding[] {
  if (!existsSync(directory)) return [];
  const { bavail, blocks, bsize } = statfsSync(directory);
  const share = blocks === 0 ? 1 : bavail / blocks;
  const message = `${formatBytes(bavail * bsize)} free (${(share * 100).toFixed(0)}%) at ${directory}`;
  if (share >= lowestFreeShare) return [{ check, verdict: 'ok', message }];
  return [{ check, verdict: 'warning', message, hint: 'enlarge it, or free space, before a backup fails' }];
}
