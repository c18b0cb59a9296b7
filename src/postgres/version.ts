import { OperationError } from '../base/errors.ts';

export const supportedMajors = [13, 14, 15, 16, 17, 18] as const;

export type PostgresMajor = (typeof supportedMajors)[number];

/** What differs from one major version to the next and matters to a backup. Verified on servers of each version. */
export interface VersionFacts {
  /** Magic number of every WAL page. */
  readonly walPageMagic: number;
  /** Format of global/pg_control. */
  readonly controlVersion: number;
  /** Format of the system catalogs; fixed for the life of a major version, so it identifies the version. */
  readonly catalogVersion: number;
  /** `$1` label text, `$2` fast checkpoint boolean. Returns one column, the start LSN. */
  readonly beginBackupSql: string;
  /** `$1` wait for archiving boolean. Returns lsn, labelfile, spcmapfile. Same session as the begin. */
  readonly endBackupSql: string;
  /**
   * `keywords`: `BASE_BACKUP LABEL 'x' FAST ...`, one copy stream for each tablespace and one for the manifest;
   * `options`: `BASE_BACKUP (LABEL 'x', CHECKPOINT 'fast', ...)`, one stream with typed messages.
   */
  readonly baseBackupGrammar: 'keywords' | 'options';
  /** Version of backup_manifest; 2 carries the system identifier. */
  readonly manifestVersion: 1 | 2;
  /** Whether `pg_wal/summaries` exists and a restored cluster needs the directory. */
  readonly walSummaries: boolean;
}

const exclusiveEra = {
  beginBackupSql: 'SELECT pg_start_backup($1, $2, false) AS lsn',
  endBackupSql: 'SELECT lsn, labelfile, spcmapfile FROM pg_stop_backup(false, $1)',
  baseBackupGrammar: 'keywords',
  manifestVersion: 1,
  walSummaries: false,
} as const;

const sessionEra = {
  ...exclusiveEra,
  beginBackupSql: 'SELECT pg_backup_start($1, $2) AS lsn',
  endBackupSql: 'SELECT lsn, labelfile, spcmapfile FROM pg_backup_stop($1)',
  baseBackupGrammar: 'options',
} as const;

const summaryEra = { ...sessionEra, manifestVersion: 2, walSummaries: true } as const;

const facts: Readonly<Record<PostgresMajor, VersionFacts>> = {
  13: { ...exclusiveEra, walPageMagic: 0xd106, controlVersion: 1300, catalogVersion: 202007201 },
  14: { ...exclusiveEra, walPageMagic: 0xd10d, controlVersion: 1300, catalogVersion: 202107181 },
  15: { ...sessionEra, walPageMagic: 0xd110, controlVersion: 1300, catalogVersion: 202209061 },
  16: { ...sessionEra, walPageMagic: 0xd113, controlVersion: 1300, catalogVersion: 202307071 },
  17: { ...summaryEra, walPageMagic: 0xd116, controlVersion: 1700, catalogVersion: 202406281 },
  18: { ...summaryEra, walPageMagic: 0xd118, controlVersion: 1800, catalogVersion: 202506291 },
};

/** The facts about one major version. */
export function versionFacts(major: PostgresMajor): VersionFacts {
  return facts[major];
}

/** Major version of a `server_version_num` such as 150018. Throws `postgres-unsupported` outside 13 to 18. */
export function majorOfServerVersion(serverVersionNum: number): PostgresMajor {
  return toPostgresMajor(Math.floor(serverVersionNum / 10_000));
}

/** Major version of the text in a PG_VERSION file. Throws `postgres-unsupported` outside 13 to 18. */
export function majorOfVersionFile(text: string): PostgresMajor {
  return toPostgresMajor(Number(text.trim()));
}

/** Major version by the catalog version of its pg_control; undefined for pre-releases and unknown versions. */
export function majorOfCatalogVersion(catalogVersion: number): PostgresMajor | undefined {
  return supportedMajors.find((major) => facts[major].catalogVersion === catalogVersion);
}

/** Major version by the magic number of its WAL pages; undefined when no supported version writes it. */
export function majorOfWalPageMagic(magic: number): PostgresMajor | undefined {
  return supportedMajors.find((major) => facts[major].walPageMagic === magic);
}

/** Name of the directory that a cluster of this version has in each of its tablespaces, e.g. `PG_15_202209061`. */
export function tablespaceVersionDirectory(major: PostgresMajor): string {
  return `PG_${major}_${facts[major].catalogVersion}`;
}

function toPostgresMajor(major: number): PostgresMajor {
  const supported = supportedMajors.find((candidate) => candidate === major);
  if (supported === undefined) {
    throw new OperationError('postgres-unsupported', `PostgreSQL ${major} is not supported`, {
      hint: `supported are the major versions ${supportedMajors[0]} to ${supportedMajors.at(-1)}`,
      detail: { major },
    });
  }
  return supported;
}
