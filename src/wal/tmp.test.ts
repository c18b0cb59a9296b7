import { test } from 'vitest';
import { createContext } from '../base/context.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { keepAllWal, receiveAll, receivingPlace } from './fixture/receiving.ts';
import { Socket } from 'node:net';
test('x', async () => {
  await using cluster = await createCluster({ major: 15, settings: {...keepAllWal, log_replication_commands: 'on'}, initdbArguments: ['--wal-segsize=1'] });
  await using place = await receivingPlace();
  const d = Socket.prototype.destroy; Socket.prototype.destroy = function (this: Socket, e: any) { console.log('DESTROY', new Error().stack, e); return d.call(this, e); } as never;
  try { console.log(await receiveAll(place, cluster)); } catch (e) { console.log(e); }
  void createContext;
});
