// needs PostgreSQL's client programs
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseBackupLabel } from './backupLabel.ts';
import { formatBackupManifest } from './backupManifest.ts';
import { crc32c } from './crc32c.ts';
import { embeddedBinaries, Scratch, systemBinaries } from './fixture/cluster.ts';
import { RunningServer } from './fixture/server.ts';
import { parseBackupManifest } from './parseBackupManifest.ts';
import { parseSystemIdentifier } from './systemIdentifier.ts';
import { formatTablespaceMap, parseTablespaceMap } from './tablespaceMap.ts';
import type { PostgresMajor } from './version.ts';

/** Writes the manifest of a backup anew: times and order as PostgreSQL's, sizes and checksums from the files. */
function regenerate(directory: string, original: Buffer, owner: { major: PostgresMajor; system: string }): Buffer {
  const { walRanges, files } = parseBackupManifest(original);
  const description = { major: owner.major, systemIdentifier: parseSystemIdentifier(owner.system), walRanges };
  const found = files().map(({ path, modifiedMs }) => {
    const place = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path)]);
    return { path, modifiedMs, sizeBytes: statSync(place).size, crc32c: crc32c(readFileSync(place)) };
  });
  return Buffer.concat([...formatBackupManifest(description, found)]);
}

test('a manifest that we write again is PostgreSQL’s, byte for byte, and pg_verifybackup accepts it', () => {
  using scratch = new Scratch();
  const dataDirectory = scratch.initdb(systemBinaries, 'data');
  const space = join(scratch.path, 'a space');
  scratch.run('mkdir', [space]);
  for (const name of ['quote"and\\backslash', 'tab\tnewline\n', 'grüße-日本', 'del\x7f']) {
    writeFileSync(join(dataDirectory, name), name);
  }
  writeFileSync(Buffer.concat([Buffer.from(`${dataDirectory}/latin-`), Buffer.of(0xfc)]), 'latin');
  const backup = join(scratch.path, 'backup');
  let system: string;
  {
    using server = new RunningServer(scratch, dataDirectory);
    server.sql(`CREATE TABLESPACE elsewhere LOCATION '${space}'`);
    server.sql('CREATE TABLE t TABLESPACE elsewhere AS SELECT generate_series(1, 10000) AS n');
    system = server.sql('SELECT system_identifier FROM pg_control_system()');
    const mapping = `${space}=${join(scratch.path, 'mapped')}`;
    server.run('pg_basebackup', ['-D', backup, '-X', 'fetch', '-c', 'fast', '-l', 'a label', '-T', mapping]);
  }
  const original = readFileSync(join(backup, 'backup_manifest'));
  const again = regenerate(backup, original, { major: 15, system });
  expect(again.toString()).toBe(original.toString());
  expect(again.toString()).toMatch(/"Encoded-Path": "6c6174696e2dfc"/);
  writeFileSync(join(backup, 'backup_manifest'), again);
  scratch.run(join(systemBinaries, 'pg_verifybackup'), [backup]);
  expect(parseBackupLabel(readFileSync(join(backup, 'backup_label'), 'utf8'))).toMatchObject({
    startLsn: parseBackupManifest(again).walRanges[0]?.begin,
    label: 'a label',
    from: 'primary',
  });
  appendFileSync(join(backup, 'PG_VERSION'), 'x');
  expect(() => scratch.run(join(systemBinaries, 'pg_verifybackup'), [backup])).toThrow('PG_VERSION');
});

test.each([16, 17, 18] as const)('the manifest of PostgreSQL %d', (major) => {
  using scratch = new Scratch();
  const binaries = embeddedBinaries(major);
  const dataDirectory = scratch.initdb(binaries, 'data');
  const space = join(scratch.path, 'line\\break');
  scratch.run('mkdir', [space]);
  using server = new RunningServer(scratch, dataDirectory, { binaries });
  server.sql(`CREATE TABLESPACE elsewhere LOCATION '${space}'`);
  const system = server.sql('SELECT system_identifier FROM pg_control_system()');
  const target = join(scratch.path, 'target');
  const command = `BASE_BACKUP (TARGET 'server', TARGET_DETAIL '${target}', CHECKPOINT 'fast', MANIFEST 'yes')`;
  // psql does not expect what BASE_BACKUP answers and complains after the server has done its work
  expect(() => server.run('psql', ['-XAtq', '-d', 'dbname=postgres replication=true', '-c', command])).toThrow('psql');
  const extracted = join(scratch.path, 'extracted');
  scratch.run('mkdir', [extracted]);
  scratch.run('tar', ['-xf', join(target, 'base.tar'), '-C', extracted]);
  const original = readFileSync(join(target, 'backup_manifest'));
  expect(regenerate(extracted, original, { major, system }).toString()).toBe(original.toString());
  const [begin] = parseBackupManifest(original).walRanges;
  const label = readFileSync(join(extracted, 'backup_label'), 'utf8');
  expect(parseBackupLabel(label)).toMatchObject({ startLsn: begin?.begin });
  const map = server.sql("SELECT pg_backup_start('x', true); SELECT spcmapfile FROM pg_backup_stop(false)");
  const mapText = `${map.split('\n').slice(1).join('\n').trim()}\n`;
  expect(parseTablespaceMap(mapText)).toEqual([{ oid: expect.any(Number), path: space }]);
  expect(formatTablespaceMap(parseTablespaceMap(mapText))).toBe(mapText);
});
