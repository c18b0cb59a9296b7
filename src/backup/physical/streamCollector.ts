import { OperationError } from '../../base/errors.ts';
import { backupLabelPath } from '../../postgres/backupLabel.ts';
import { backupInclusion } from '../../postgres/backupExclusions.ts';
import type { BaseBackupEvent, TarEntry } from '../../postgres/baseBackupEvents.ts';
import { controlFilePath } from '../../postgres/controlFile.ts';
import { parseRelationPath } from '../../postgres/relationFile.ts';
import type { PostgresMajor } from '../../postgres/version.ts';
import { goModeFromUnix } from '../../snapshot/fileMode.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import type { PhysicalRecord } from '../physicalRecord.ts';
import type { ClusterFacts } from './clusterFacts.ts';
import type { NodeAttributes } from '../sourceSnapshot.ts';
import type { ClusterDirectory, ClusterFile } from './clusterTree.ts';
import { fileCrc } from './storeCluster.ts';
import type { StoredStreamFile, StreamStore } from './streamStore.ts';

interface Pending {
  readonly path: string;
  readonly attributes: NodeAttributes;
  readonly sizeBytes: number;
  readonly stored: StoredStreamFile;
}

/** Bad pages that a record names one by one. */
const maxReported = 100;

/** `checksum verification failed in file "./base/5/16384", block 7: calculated 1A2B but expected 3C4D` */
const badPagePattern = /file "(?:\.\/)?([^"]+)", block (\d+)/;

/** Turns the events of a base backup stream into the files and directories of a snapshot. */
export class StreamCollector {
  readonly directories: ClusterDirectory[] = [];
  readonly #store: StreamStore;
  readonly #major: PostgresMajor;
  readonly #blockBytes: number;
  readonly #files: Pending[] = [];
  readonly #captured = new Map<string, Buffer[]>();
  readonly #bad: { path: string; block: number }[] = [];
  readonly #known = new Set<string>();
  #prefix = '';
  #entry: { path: string; stored: boolean; captured: Buffer[] | undefined } | undefined;
  #relationBytes = 0;

  constructor(store: StreamStore, cluster: { readonly major: PostgresMajor; readonly blockBytes: number }) {
    this.#store = store;
    this.#major = cluster.major;
    this.#blockBytes = cluster.blockBytes;
  }

  async take(event: BaseBackupEvent): Promise<void> {
    switch (event.kind) {
      case 'archive':
        this.#prefix = event.tablespace.oid === undefined ? '' : `pg_tblspc/${event.tablespace.oid}/`;
        return;
      case 'entry':
        this.#begin(event.entry);
        return;
      case 'data':
        this.#entry?.captured?.push(Buffer.from(event.bytes));
        if (this.#entry?.stored === true) await this.#store.write(event.bytes);
        return;
      case 'entry-end':
        if (this.#entry?.stored === true) this.#store.endFile();
        this.#entry = undefined;
        return;
      case 'notice':
        this.#notice(event.notice.message);
        return;
      default:
    }
  }

  /** What the server's verification of page checksums came to. */
  pages(facts: ClusterFacts): PhysicalRecord['pages'] {
    const verified = facts.settings.data_checksums === 'on' ? Math.floor(this.#relationBytes / this.#blockBytes) : 0;
    return { verified, badCount: this.#bad.length, bad: this.#bad.slice(0, maxReported) };
  }

  /** Content of a small file that the backup itself has to read. Throws `postgres-protocol` when it did not come. */
  captured(path: string): Buffer {
    const parts = this.#captured.get(path);
    if (parts !== undefined) return Buffer.concat(parts);
    throw new OperationError('postgres-protocol', `the base backup came without ${path}`, { detail: { path } });
  }

  /** The files, once the store is flushed. */
  files(chunkBytes: number): ClusterFile[] {
    return this.#files.map(({ path, attributes, sizeBytes, stored }) => ({
      path,
      attributes,
      sizeBytes,
      content: BlobList.fromPacked(stored.ids),
      crc: fileCrc(stored.crcs, { sizeBytes, chunkBytes }),
      chunkCrcs: stored.crcs,
    }));
  }

  #begin(entry: TarEntry): void {
    const name = entry.nameBytes.toString('latin1').replace(/^\.\/?/, '');
    const path = this.#prefix + name;
    // the stream has no entry for the data directory itself; its owner is the first entry's
    if (this.directories.length === 0) this.#addDirectory('', { ...entry, mode: 0o700, type: 'directory' });
    // nor for a tablespace's own directory, which the server names in its map instead
    if (this.#prefix !== '')
      this.#addDirectory(this.#prefix.slice(0, -1), { ...entry, mode: 0o700, type: 'directory' });
    if (entry.type === 'directory' || (entry.type === 'symlink' && /^pg_tblspc\/\d+$/.test(path))) {
      this.#addDirectory(path.replace(/\/$/, ''), entry);
      return;
    }
    if (entry.type !== 'file') return;
    const captured = path === backupLabelPath || path === controlFilePath ? [] : undefined;
    if (captured !== undefined) this.#captured.set(path, captured);
    const stored = path.startsWith('pg_wal/') ? isWalToKeep(path) : backupInclusion(path, this.#major) === 'include';
    this.#entry = { path, stored, captured };
    if (!stored) return;
    if (parseRelationPath(path) !== undefined) this.#relationBytes += entry.sizeBytes;
    this.#files.push({
      path,
      attributes: attributesOf(path, entry),
      sizeBytes: entry.sizeBytes,
      stored: this.#store.beginFile(entry.sizeBytes),
    });
  }

  #addDirectory(path: string, entry: TarEntry): void {
    if (this.#known.has(path)) return;
    this.#known.add(path);
    const mode = entry.type === 'directory' ? entry.mode : 0o700;
    this.directories.push({ path, attributes: attributesOf(path, { ...entry, mode, type: 'directory' }) });
  }

  #notice(message: string): void {
    const [, path, block] = badPagePattern.exec(message) ?? [];
    if (path !== undefined) this.#bad.push({ path, block: Number(block) });
  }
}

/** Segments and history files; not the `.done` markers that come with them. */
function isWalToKeep(path: string): boolean {
  return /^pg_wal\/[0-9A-F]{24}$/.test(path) || /^pg_wal\/[0-9A-F]{8}\.history$/.test(path);
}

const typeBits = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

function attributesOf(path: string, entry: TarEntry): NodeAttributes {
  const timeNs = BigInt(entry.mtimeSeconds) * 1_000_000_000n;
  return {
    name: Buffer.from(path.slice(path.lastIndexOf('/') + 1), 'latin1'),
    mode: goModeFromUnix(typeBits[entry.type] + entry.mode),
    mtimeNs: timeNs,
    atimeNs: timeNs,
    ctimeNs: timeNs,
    uid: entry.uid,
    gid: entry.gid,
  };
}
