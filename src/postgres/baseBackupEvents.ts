import type { Lsn } from './lsn.ts';
import type { TimelineId } from './timeline.ts';
import type { ServerNotice } from './wire/messages.ts';
import type { TarEvent } from './wire/tarReader.ts';

export type { ServerNotice } from './wire/messages.ts';
export type { TarEntry } from './wire/tarHeader.ts';

export interface BaseBackupOptions {
  /** Ends up in backup_label; one line. */
  readonly label: string;
  /** `fast` begins at once and costs a burst of writes; `spread` waits for the next checkpoint. Default `fast`. */
  readonly checkpoint?: 'fast' | 'spread';
  /** Let the server wait until all WAL of the backup is archived. Default false. */
  readonly waitForArchiving?: boolean;
  /** Append the WAL from start to end to the main archive, in pg_wal. Default false. */
  readonly wal?: boolean;
  /** Ask for a backup_manifest with CRC-32C checksums. Default true. */
  readonly manifest?: boolean;
  /** Let the server verify page checksums. Default true. */
  readonly verifyChecksums?: boolean;
  /** Let the server measure the tablespaces first. Default true. */
  readonly progress?: boolean;
  /** 32 to 1048576. */
  readonly maxRateKilobytesPerSecond?: number;
}

export interface BaseBackupTablespace {
  /** Undefined for the main data directory, with its default tablespaces. */
  readonly oid: number | undefined;
  /** Absolute path on the server; undefined for the main data directory. */
  readonly location: string | undefined;
  /** An estimate in units of 1024 bytes; undefined without `progress`. */
  readonly sizeKilobytes: number | undefined;
}

export type BaseBackupEvent =
  /** Always first. The WAL from `lsn` on is needed to recover. */
  | {
      readonly kind: 'start';
      readonly lsn: Lsn;
      readonly timeline: TimelineId;
      /** In the order of the archives: the main one is last. */
      readonly tablespaces: readonly BaseBackupTablespace[];
    }
  | { readonly kind: 'archive'; readonly tablespace: BaseBackupTablespace }
  | TarEvent
  | { readonly kind: 'archive-end' }
  /** The next bytes of backup_manifest, which follows the last archive; a view like `data`. */
  | { readonly kind: 'manifest'; readonly bytes: Buffer }
  /** Something that the server wants to say, e.g. which page has a wrong checksum. */
  | { readonly kind: 'notice'; readonly notice: ServerNotice }
  /**
   * Always last. The WAL up to `lsn` is needed to recover. `checksumsFailed`: the backup is complete, but the
   * server found pages with wrong checksums while it read them; it has told of them in notices.
   */
  | { readonly kind: 'end'; readonly lsn: Lsn; readonly timeline: TimelineId; readonly checksumsFailed: boolean };
