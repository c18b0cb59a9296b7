import type { BaseBackupOptions } from '../baseBackupEvents.ts';
import type { VersionFacts } from '../version.ts';
import { quoteLiteral } from './rows.ts';

/** The BASE_BACKUP command in the grammar of the server's version, with a tablespace map. */
export function baseBackupCommand(grammar: VersionFacts['baseBackupGrammar'], options: BaseBackupOptions): string {
  const label = `LABEL ${quoteLiteral(options.label)}`;
  const fast = (options.checkpoint ?? 'fast') === 'fast';
  const progress = options.progress ?? true;
  const manifest = options.manifest ?? true;
  const verifies = options.verifyChecksums ?? true;
  const wait = options.waitForArchiving ?? false;
  const wal = options.wal ?? false;
  const rate = options.maxRateKilobytesPerSecond;
  if (grammar === 'keywords') {
    const words = [
      label,
      progress && 'PROGRESS',
      fast && 'FAST',
      wal && 'WAL',
      !wait && 'NOWAIT',
      rate !== undefined && `MAX_RATE ${rate}`,
      'TABLESPACE_MAP',
      !verifies && 'NOVERIFY_CHECKSUMS',
      manifest && "MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'",
    ];
    return `BASE_BACKUP ${words.filter((word) => word !== false).join(' ')}`;
  }
  const pairs = [
    label,
    `PROGRESS ${progress}`,
    `CHECKPOINT '${fast ? 'fast' : 'spread'}'`,
    `WAL ${wal}`,
    `WAIT ${wait}`,
    ...(rate === undefined ? [] : [`MAX_RATE ${rate}`]),
    'TABLESPACE_MAP true',
    `VERIFY_CHECKSUMS ${verifies}`,
    ...(manifest ? ["MANIFEST 'yes'", "MANIFEST_CHECKSUMS 'CRC32C'"] : ["MANIFEST 'no'"]),
  ];
  return `BASE_BACKUP (${pairs.join(', ')})`;
}
