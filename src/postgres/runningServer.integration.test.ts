import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCluster } from '../testing/postgresServer.ts';
import { tempDir } from '../testing/tempDir.ts';
import { findRunningServer, listRunningServers, tablespaceDirectories } from './runningServer.ts';

test('a running server is found by its directory, by a link to it, and without its postmaster.pid', async () => {
  await using cluster = await createCluster({ tablespaces: ['space'] });
  const server = { dataDirectory: cluster.dataDirectory, pid: cluster.pid };
  expect(await findRunningServer(cluster.dataDirectory)).toEqual(server);
  expect(listRunningServers()).toContainEqual(server);
  await using directory = await tempDir();
  symlinkSync(cluster.dataDirectory, directory.join('link'));
  expect(await findRunningServer(directory.join('link'))).toEqual(server);
  expect(tablespaceDirectories(cluster.dataDirectory)).toEqual([join(cluster.directory, 'tablespace-space')]);
  await cluster.stop();
  expect(await findRunningServer(cluster.dataDirectory)).toBeUndefined();
});

test('a stale postmaster.pid is no server: nobody, another program, a server elsewhere', async () => {
  await using cluster = await createCluster();
  await using directory = await tempDir();
  expect(await findRunningServer(directory.path)).toBeUndefined();
  for (const pid of [2 ** 22 + 1, process.pid, cluster.pid!]) {
    writeFileSync(directory.join('postmaster.pid'), `${pid}\n${directory.path}\n1\n5432\n${directory.path}\n`);
    expect(await findRunningServer(directory.path)).toBeUndefined();
  }
});

test('a socket that answers, and whose lock names the directory, is a server in a container', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('postmaster.pid'), `1\n${directory.path}\n1\n5433\n${directory.path}\nlocalhost\n`);
  writeFileSync(directory.join('.s.PGSQL.5433.lock'), `1\n${directory.path}\n`);
  const socket = createServer().listen(directory.join('.s.PGSQL.5433'));
  await once(socket, 'listening');
  expect(await findRunningServer(directory.path)).toEqual({ dataDirectory: directory.path, pid: undefined });
  rmSync(directory.join('.s.PGSQL.5433.lock'));
  expect(await findRunningServer(directory.path)).toBeUndefined();
  socket.close();
});
