/**
 * Every expected failure the product can report, in one table.
 *
 * `exit` is the process exit status (restic's numbers where restic has one), `http` the status of the API,
 * `retry` tells the one retry decorator what to do: `never`, `transient` (try again with back-off).
 * The table is documented in docs/exit-codes.md, which is generated from it.
 */
export interface ErrorCodeEntry {
  readonly exit: number;
  readonly http: number;
  readonly retry: 'never' | 'transient';
  readonly meaning: string;
}

function entry(exit: number, http: number, meaning: string, retry: 'never' | 'transient' = 'never'): ErrorCodeEntry {
  return { exit, http, meaning, retry };
}

export const errorCodes = {
  // the command line and the configuration
  'usage': entry(2, 400, 'the command line is wrong'),
  'config-invalid': entry(2, 400, 'the configuration file is wrong'),
  'config-missing': entry(2, 400, 'no configuration file where one is needed'),
  'not-found': entry(1, 404, 'a named thing does not exist'),
  'ambiguous-id': entry(1, 400, 'an id prefix matches several objects'),
  'interrupted': entry(130, 499, 'stopped by a signal'),
  'internal': entry(70, 500, 'understudy itself is wrong; please report it'),
  // object storage
  'backend-unavailable': entry(1, 503, 'object storage does not answer', 'transient'),
  'backend-denied': entry(1, 403, 'object storage refuses access'),
  'backend-full': entry(1, 507, 'object storage has no space left'),
  'backend-io': entry(1, 500, 'object storage reported an input/output error', 'transient'),
  'object-missing': entry(1, 404, 'an object that must exist does not'),
  'object-exists': entry(1, 409, 'an object that must not exist does'),
  // the repository
  'repository-missing': entry(10, 404, 'there is no repository at this place'),
  'repository-exists': entry(1, 409, 'there is already a repository at this place'),
  'repository-locked': entry(11, 423, 'another process holds a conflicting lock'),
  'lock-lost': entry(11, 423, 'our own lock vanished or could not be refreshed in time'),
  'wrong-password': entry(12, 401, 'no key of the repository opens with this password'),
  'repository-damaged': entry(1, 500, 'an object is damaged, truncated or tampered with'),
  'repository-unsupported': entry(1, 501, 'the repository has a format this version does not know'),
  'check-failed': entry(1, 500, 'a check found a problem'),
  'retention-held': entry(3, 409, 'nothing of a source is forgotten until somebody acknowledges how it changed'),
  'incomplete': entry(3, 500, 'the operation finished but some of its input could not be read'),
  'key-in-use': entry(1, 409, 'the last or the current key cannot be removed'),
  // PostgreSQL
  'postgres-unreachable': entry(1, 503, 'the PostgreSQL server cannot be reached'),
  'postgres-denied': entry(1, 403, 'PostgreSQL refuses the login or the privilege'),
  'postgres-unsupported': entry(1, 501, 'the PostgreSQL version is not supported here'),
  'postgres-settings': entry(1, 409, 'a setting of the PostgreSQL server makes the operation impossible'),
  'postgres-protocol': entry(1, 502, 'the PostgreSQL server answered something unexpected'),
  'postgres-program': entry(1, 500, 'a PostgreSQL program is missing or failed'),
  'cluster-mismatch': entry(1, 409, 'data belongs to another PostgreSQL cluster'),
  'cluster-running': entry(1, 409, 'a PostgreSQL server is running in this data directory'),
  'backup-aborted': entry(1, 500, 'the backup session ended before the backup was complete'),
  'backup-invalid': entry(1, 422, 'a file that describes a base backup is not as PostgreSQL writes it'),
  'page-checksum': entry(3, 500, 'pages with wrong checksums were found in the source'),
  // WAL
  'wal-invalid': entry(1, 422, 'a file is not the WAL segment that its name says'),
  'wal-conflict': entry(1, 409, 'the archive holds different content under this name'),
  'wal-missing': entry(1, 404, 'a WAL file is proved absent from the archive'),
  'wal-gap': entry(1, 409, 'WAL is missing between two archived segments'),
  'wal-unavailable': entry(127, 503, 'a WAL file could neither be fetched nor proved absent'),
  'wal-slot': entry(1, 409, 'the replication slot cannot be used'),
  // restore and proof
  'target-invalid': entry(2, 400, 'the recovery target makes no sense'),
  'target-outside-window': entry(1, 409, 'the recovery target lies outside the recovery window'),
  'destination-not-empty': entry(1, 409, 'the destination holds files and neither --delta nor --force was given'),
  'destination-full': entry(1, 507, 'the destination has no space left'),
  'destination-io': entry(1, 500, 'the destination reported an input/output error'),
  'restore-incomplete': entry(1, 500, 'the restore could not be completed'),
  'verification-failed': entry(1, 500, 'the backup was tested and is not good'),
  'verification-inconclusive': entry(4, 503, 'the backup could not be tested; it may be good'),
  // recovery plans
  'plan-invalid': entry(2, 400, 'the recovery plan is wrong'),
  'plan-failed': entry(1, 500, 'a recovery plan ended without having reached its goal'),
  'plan-deviations': entry(3, 409, 'a recovery plan reached its goal, with deviations that somebody has to see to'),
  'step-failed': entry(1, 500, 'a step of a recovery plan failed or ran out of time'),
  'run-busy': entry(11, 423, 'another process carries out this run'),
  'evidence-not-stored': entry(3, 503, 'the evidence of a run is on disk only, not in the repository'),
  'evidence-invalid': entry(1, 422, 'evidence was changed, or something that belongs to it is missing'),
  // the machine around us
  'program-missing': entry(1, 500, 'a program that is needed is not installed'),
  'program-failed': entry(1, 500, 'a program that was run failed'),
  'file-missing': entry(1, 404, 'a local file does not exist'),
  'file-denied': entry(1, 403, 'a local file may not be read or written'),
  'file-io': entry(1, 500, 'a local file could not be read or written'),
  'source-changed': entry(3, 409, 'a file changed while it was read'),
  'source-unsuitable': entry(1, 409, 'a source cannot be backed up in the way that is configured'),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
