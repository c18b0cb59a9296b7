import type { PhysicalRecord } from '../../backup/physicalRecord.ts';
import type { BackupLabel } from '../../postgres/backupLabel.ts';
import type { ControlFile } from '../../postgres/controlFile.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import type { ClusterFiles } from './clusterFiles.ts';

export interface RecordEvidence {
  readonly record: PhysicalRecord;
  readonly control: ControlFile;
  readonly label: BackupLabel;
  readonly files: ClusterFiles;
}

/** Compares the record with what PostgreSQL itself wrote into the backup: its control file, its label, its files. */
export function checkRecord({ record, control, label, files }: RecordEvidence): Outcome {
  const wrong: string[] = [];
  type Value = string | number | bigint | boolean;
  const compare = (what: string, said: Value, found: Value): void => {
    if (String(said) !== String(found)) wrong.push(`${what}: the record says ${said}, the backup holds ${found}`);
  };
  compare('system identifier', record.systemIdentifier, control.systemIdentifier);
  compare('catalog version', record.catalogVersion, control.catalogVersion);
  compare('major version', Math.floor(record.serverVersion / 10_000), control.major);
  compare('size of a WAL segment', record.walSegmentBytes, control.walSegmentBytes);
  compare('size of a block', record.blockBytes, control.blockBytes);
  compare('data checksums', record.dataChecksums, control.dataChecksumVersion !== 0);
  compare('start of the backup', record.startLsn, formatLsn(label.startLsn));
  compare('taken from a standby', record.fromStandby, label.from === 'standby');
  for (const name of record.wal) {
    if (!files.has(`pg_wal/${name}`)) wrong.push(`pg_wal/${name}: the record lists it and it is not in the snapshot`);
  }
  const databases = new Set([...files.keys()].map((path) => /^(?:base|pg_tblspc\/.*)\/(\d+)\//.exec(path)?.[1]));
  for (const { oid, name } of record.databases) {
    if (!databases.has(String(oid))) wrong.push(`database ${name}: the snapshot has no files of it`);
  }
  return judge(wrong, { expected: 'agreement with control file, label and files' });
}
