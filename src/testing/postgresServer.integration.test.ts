import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { postgresMajors } from './postgresBinaries.ts';
import { createCluster, existingCluster } from './postgresServer.ts';

test.each(postgresMajors)('PostgreSQL %i starts, answers, restarts and leaves nothing', async (major) => {
  let directory: string;
  {
    await using cluster = await createCluster({ major, tablespaces: ['fast'], settings: { work_mem: '5MB' } });
    directory = cluster.directory;
    const [row] = await cluster.sql('show server_version_num');
    expect(Math.floor(Number(row?.['server_version_num']) / 10_000)).toBe(major);
    expect(await cluster.sql('show work_mem')).toEqual([{ work_mem: '5MB' }]);
    await cluster.sql('create table kept (id int) tablespace fast; insert into kept values (1)');
    await cluster.kill9();
    await cluster.start();
    await cluster.restart();
    expect(await cluster.sql('select id from kept')).toEqual([{ id: 1 }]);
  }
  expect(existsSync(directory)).toBe(false);
});

test('two clusters have different system identifiers, page checksums are as asked', async () => {
  await using first = await createCluster();
  await using second = await createCluster({ checksums: false, tcp: true });
  const identifier = 'select system_identifier::text as id from pg_control_system()';
  expect(await first.sql(identifier)).not.toEqual(await second.sql(identifier));
  expect(await first.sql('show data_checksums')).toEqual([{ data_checksums: 'on' }]);
  expect(await second.sql('show data_checksums')).toEqual([{ data_checksums: 'off' }]);
  await using overTcp = await second.connect({ host: '127.0.0.1' });
  expect((await overTcp.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a directory that cannot start says why', async () => {
  await using cluster = await createCluster({ start: false });
  await cluster.configure({ no_such_setting: 1 });
  await using again = await existingCluster({ dataDirectory: cluster.dataDirectory });
  await expect(again.start()).rejects.toThrow('unrecognized configuration parameter "no_such_setting"');
});
