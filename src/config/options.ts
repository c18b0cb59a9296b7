import { retentionOptionsAt } from './retentionOptions.ts';

/**
 * Every option of `understudy.yaml`, described once. The schema, the command line, the environment, the reference
 * page and the editor schema take their texts and names from here. Plain data: it is also read where nothing heavy
 * may be loaded. A `*` in a path stands for a name the user chooses.
 */
export interface OptionText {
  readonly description: string;
  /** Environment variable that overrides the file. */
  readonly environment?: string;
  /** Variable of restic that is used when neither the file nor ours say anything. */
  readonly resticEnvironment?: string;
  /** Variable of libpq that is used when the file says nothing. */
  readonly libpqEnvironment?: string;
  /** Flag of the command line that overrides environment and file. */
  readonly flag?: string;
  /** A local path: relative ones start at the directory of the file. */
  readonly path?: true;
}

export const options = {
  'repository': { description: 'Where backups and WAL are kept.' },
  'repository.location': {
    path: true,
    description: 'The repository: a directory, or a URL of a supported object storage.',
    environment: 'UNDERSTUDY_REPOSITORY',
    resticEnvironment: 'RESTIC_REPOSITORY',
    flag: '--repo',
  },
  'repository.password': {
    description: 'Password of the repository. `${NAME}` is replaced by that environment variable.',
    environment: 'UNDERSTUDY_PASSWORD',
    resticEnvironment: 'RESTIC_PASSWORD',
  },
  'repository.passwordFile': {
    path: true,
    description: 'File that holds the password of the repository.',
    environment: 'UNDERSTUDY_PASSWORD_FILE',
    resticEnvironment: 'RESTIC_PASSWORD_FILE',
    flag: '--password-file',
  },
  'repository.passwordCommand': {
    description: 'Shell command that prints the password of the repository.',
    environment: 'UNDERSTUDY_PASSWORD_COMMAND',
    resticEnvironment: 'RESTIC_PASSWORD_COMMAND',
    flag: '--password-command',
  },
  'repository.compression': {
    description: 'How hard to compress: `off`, `fastest`, `auto` (chosen for speed), `default`, `better` or `max`.',
    environment: 'UNDERSTUDY_COMPRESSION',
  },
  'repository.packSize': {
    description: 'Size to which pack files are filled, 4MiB to 128MiB.',
    environment: 'UNDERSTUDY_PACK_SIZE',
  },
  'repository.keyCacheFile': {
    path: true,
    description:
      'Opt-in: file, readable by its owner alone, that keeps the unwrapped repository key, so that `wal push` and ' +
      '`wal get` do not derive it from the password for every segment. Whoever reads it can read the repository.',
    environment: 'UNDERSTUDY_KEY_CACHE_FILE',
  },
  'sources': { description: 'What is protected, by name.' },
  'sources.*': { description: 'One source.' },
  'sources.*.kind': {
    description:
      'What the source is: `postgres` is a PostgreSQL cluster, physical backup and WAL; `dump` are logical backups ' +
      'of its databases; `files` are files of an application, configuration, secrets; `logs` are log files, rotated ' +
      'without losing a line; `git` is a git repository with its remotes.',
  },
  'sources.*.tier': { description: 'Name of the tier whose objectives this source has to meet.' },
  'sources.*.retention': {
    description:
      'What is kept of this source. Its rules replace all of the common section `retention`; `keepTags` and ' +
      '`recoveryWindow` come from there unless they are here too.',
  },
  ...retentionOptionsAt('sources.*.retention'),
  'sources.*.verify': { description: 'How backups of the source are proved.' },
  'sources.*.verify.assertions': {
    description: 'What must hold in what was restored; each is a check of level 5, which needs at least one.',
  },
  'sources.*.verify.assertions.name': { description: 'Name of the check; no two of a source have the same.' },
  'sources.*.verify.assertions.sql': {
    description:
      'A query that must return one row of one column, and that true. It is asked in a read-only transaction. Either ' +
      'this or `command`.',
  },
  'sources.*.verify.assertions.command': {
    description:
      'Shell command that must end with status 0. It finds a restored database in `DATABASE_URL` and the variables of ' +
      'libpq, restored files in `UNDERSTUDY_RESTORED_DIRECTORY`, and sees no other variable of ours.',
  },
  'sources.*.verify.assertions.database': { description: 'The restored database; needed where there are several.' },
  'sources.*.verify.assertions.role': {
    description: 'Role as which the database is asked, so that a missing right shows. Default: a superuser.',
  },
  'sources.*.verify.assertions.directory': {
    description:
      'Where a command runs; a relative path starts at what was restored, for a database at the current directory.',
  },
  'sources.*.verify.assertions.timeout': {
    description: 'A check that takes longer has failed. Default `1m` for a query, `15m` for a command.',
  },
  'sources.*.monitor': { description: 'What `understudy monitor` expects of the source.' },
  'sources.*.monitor.maxAge': {
    description:
      'How old the newest good backup may be, e.g. `8d` for one that is made weekly. Older is a warning; what may be ' +
      'lost at most is said by the tier.',
  },
  'sources.*.monitor.minSize': {
    description:
      'How large a backup is at least, restored, e.g. `500MiB`; smaller is a warning. Default `1MiB` for databases, ' +
      'nothing for others.',
  },
  'sources.*.monitor.verifyEvery': {
    description:
      'How often a backup of it is proved; a tenth later is a warning. A database has to be restored for that ' +
      '(`verify --level 4`), of the others every byte read (`--level 2`).',
  },
  'sources.*.paths': {
    path: true,
    description: 'Files and directories to back up. One that is missing makes the backup incomplete (exit status 3).',
  },
  'sources.*.optionalPaths': { path: true, description: 'More of them; one that is missing is only told.' },
  'sources.*.exclude': {
    description:
      'Patterns of what is left out, as in `.gitignore`, as if they stood in each directory of `paths`; `!pattern` takes ' +
      'one back. They win over what `excludeFiles` say.',
  },
  'sources.*.excludeFiles': {
    description:
      'Names of files with such patterns, e.g. `.gitignore`; each holds from the directory in which it is found down.',
  },
  'sources.*.excludeCaches': {
    description: 'Leave out what is in directories that are marked as caches by a file `CACHEDIR.TAG`.',
  },
  'sources.*.oneFileSystem': { description: 'Stay on the file systems of `paths`.' },
  'sources.*.secrets': {
    description:
      'Patterns of files with secrets, e.g. `.env`, `*.pem`: they are restored readable by their owner alone (mode ' +
      '0600), and the backup tells which of them others can read now.',
  },
  'sources.*.directory': { path: true, description: 'Directory of the logs.' },
  'sources.*.files': { description: 'Names or patterns (`*`, `?`, `[a-z]`) of the logs in it.' },
  'sources.*.afterRotate': {
    description:
      'Shell command that makes programs open their logs anew, e.g. `kill -HUP $(cat /run/app.pid)`. It is run while a ' +
      'renamed log is still open.',
  },
  'sources.*.keepLocal': {
    description: 'How long rotated logs stay in the directory, compressed, once they are in the repository.',
  },
  'sources.*.keep': {
    description: 'How long rotated logs are part of new snapshots; the newest snapshot holds all of that time.',
  },
  'sources.*.path': { path: true, description: 'The git repository: a working directory or a bare repository.' },
  'sources.*.remotes': {
    description:
      'Other copies of it, by name, beside those that the repository itself knows: URLs or local paths, with which every ' +
      'branch is compared. `${NAME}` is replaced by that environment variable. Without `path`, the first is backed up.',
  },
  'sources.*.remotes.*': { description: 'URL, or absolute path, of one of them.' },
  'sources.*.mirrorDirectory': {
    path: true,
    description:
      'Where a mirror is kept between backups, so that only what is new is stored; default ' +
      '`~/.cache/understudy/git/<source>`.',
  },
  'sources.*.databases': {
    description: 'Databases to dump, by name; default all of the server but templates and those closed to the role.',
  },
  'sources.*.schemas': {
    description: 'Patterns of the schemas to dump, as `--schema` of pg_dump: `*`, `?`, double quotes. Default all.',
  },
  'sources.*.excludeSchemas': { description: 'Patterns of schemas to leave out.' },
  'sources.*.tables': {
    description:
      'Patterns of the tables, views and sequences to dump, as `--table` of pg_dump: `events`, `auth.*`. Default all; ' +
      '`schemas` means nothing beside it.',
  },
  'sources.*.excludeTables': { description: 'Patterns of tables to leave out.' },
  'sources.*.excludeTableData': { description: 'Patterns of tables of which only the definition is dumped.' },
  'sources.*.layout': {
    description:
      '`parts` makes an archive for each table, so that one can be had back by itself, and little is stored again of a ' +
      'database that little changed in; `single` makes one for each database, as `pg_dump --format=custom`.',
  },
  'sources.*.globals': {
    description:
      'Roles, memberships and tablespaces: `with-passwords` needs the right to read `pg_authid` (a superuser has it) ' +
      'and goes on without them, saying so, where it is missing; `without-passwords`; `none`.',
  },
  'sources.*.jobs': { description: 'How many pg_dump run at once, each with a connection and one more for counting.' },
  'sources.*.contentHashLimit': {
    description:
      'Tables up to this size, e.g. `50GiB`, get a hash of all their rows, with which a restore is compared; larger ones ' +
      'are only counted. Default all.',
  },
  'sources.*.connection': {
    description: 'How to reach the server. What is absent comes from the PG* variables, as in psql.',
  },
  'sources.*.connection.uri': {
    description: 'Connection URI `postgresql://user@host:port/database?sslmode=...`, instead of the single values.',
  },
  'sources.*.connection.host': {
    description: 'Host name, address, or directory of the Unix socket.',
    libpqEnvironment: 'PGHOST',
  },
  'sources.*.connection.port': { description: 'Port of the server.', libpqEnvironment: 'PGPORT' },
  'sources.*.connection.user': {
    description: 'Role to log in as: needs REPLICATION, or the right to run pg_backup_start.',
    libpqEnvironment: 'PGUSER',
  },
  'sources.*.connection.database': { description: 'Database to log in to.', libpqEnvironment: 'PGDATABASE' },
  'sources.*.connection.password': {
    description:
      'Password of the role. `${NAME}` is replaced by that environment variable. A `.pgpass` file works too.',
    libpqEnvironment: 'PGPASSWORD',
  },
  'sources.*.connection.passwordFile': { path: true, description: 'File that holds the password of the role.' },
  'sources.*.connection.tls': { description: 'Encryption of the connection.' },
  'sources.*.connection.tls.mode': {
    description: 'As libpq: `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`.',
    libpqEnvironment: 'PGSSLMODE',
  },
  'sources.*.connection.tls.rootCertificate': {
    path: true,
    description: 'File with the certificates of the authorities to trust.',
    libpqEnvironment: 'PGSSLROOTCERT',
  },
  'sources.*.connection.tls.certificate': {
    path: true,
    description: 'File with the client certificate.',
    libpqEnvironment: 'PGSSLCERT',
  },
  'sources.*.connection.tls.key': {
    path: true,
    description: 'File with the key of the client certificate.',
    libpqEnvironment: 'PGSSLKEY',
  },
  'sources.*.dataDirectory': {
    path: true,
    description: 'Data directory of the cluster; asked from the server when absent.',
  },
  'sources.*.method': {
    description:
      'How to back up. A cluster: `files` reads the data directory on its host, `stream` uses the replication protocol ' +
      'from anywhere, `auto` takes `files` where the data directory is readable. Logs: `rename` for programs that open ' +
      'their log anew, `copy-truncate` for those that cannot but append (ext4 and XFS; no line is lost by either).',
  },
  'sources.*.wal': { description: 'How WAL gets into the repository.' },
  'sources.*.wal.receive': { description: 'Settings of `understudy wal receive`.' },
  'sources.*.wal.receive.slot': {
    description:
      'Physical replication slot to stream from; created when absent. Every flush is confirmed at once, so its name can ' +
      'be listed in `synchronous_standby_names`: then no commit is lost.',
  },
  'sources.*.wal.spoolDirectory': {
    path: true,
    description: 'Local directory for received WAL that is not yet in the repository.',
  },
  'tiers': { description: 'Recovery objectives, by name.' },
  'tiers.*': { description: 'The objectives of one tier.' },
  'tiers.*.rpo': { description: 'Recovery point objective: how much may be lost, e.g. `5m`.' },
  'tiers.*.rto': { description: 'Recovery time objective: how long recovery may take, e.g. `1h`.' },
  'retention': {
    description:
      'Which snapshots `understudy forget` keeps. The rules are those of restic; a snapshot that matches any is kept.',
  },
  ...retentionOptionsAt('retention'),
  'verify': { description: 'How backups are proved.' },
  'verify.user': { description: 'Operating system user that runs the sandbox server when understudy runs as root.' },
  'verify.directory': {
    path: true,
    description: 'Directory under which sandboxes are built; needs space for the restored cluster.',
  },
  'evidence': { description: 'What the evidence of drills and recoveries says and is signed with.' },
  'evidence.organisation': { description: 'Whose drills and recoveries they are.' },
  'evidence.environment': { description: 'Which of its environments this is, e.g. `production`.' },
  'evidence.signingKeyFile': {
    path: true,
    description:
      'Private key (Ed25519, PEM) that signs evidence; `understudy evidence keygen` makes one. Whoever checks needs ' +
      'only the public key beside it.',
  },
  'contacts': { description: 'Whom to call in an emergency, first to last; they stand in runbooks and evidence.' },
  'contacts.name': { description: 'Name of the person or company.' },
  'contacts.role': { description: 'What they are called for, e.g. `database administrator`.' },
  'contacts.phone': { description: 'Telephone number.' },
  'contacts.email': { description: 'E-mail address.' },
  'postgresBinaries': {
    path: true,
    description: 'Directories with PostgreSQL programs (`initdb`, `postgres`, ...), looked at before the usual places.',
  },
} as const satisfies Readonly<Record<string, OptionText>>;

export type OptionPath = keyof typeof options;

/** The text of an option; a common type for entries that differ in what they state. */
export function optionText(path: OptionPath): OptionText {
  return options[path];
}

/** Where the option with this path in a file is described: names the user chose become `*`. Undefined if unknown. */
export function optionPathOf(keys: readonly PropertyKey[]): OptionPath | undefined {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number') continue;
    const literal = path === '' ? String(key) : `${path}.${String(key)}`;
    path = literal in options ? literal : `${path}.*`;
  }
  return path in options ? (path as OptionPath) : undefined;
}

/** Names that may stand directly under a path (`''` = top of the file). */
export function optionNamesUnder(path: string): string[] {
  const prefix = path === '' ? '' : `${path}.`;
  return Object.keys(options)
    .filter((option) => option.startsWith(prefix))
    .map((option) => option.slice(prefix.length))
    .filter((name) => !name.includes('.') && name !== '*');
}
