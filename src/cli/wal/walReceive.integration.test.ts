import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCluster } from '../../testing/postgresServer.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { waitFor } from '../../testing/waitFor.ts';

const program = join(import.meta.dirname, '../../main.ts');

test('receives as a service does: until SIGTERM, which is no failure; and tells what it does as JSON', async () => {
  await using cluster = await createCluster({ initdbArguments: ['--wal-segsize=1'] });
  await using place = await tempDir();
  const start = (...words: string[]) => new Run(['--json', '--repo', place.join('repository'), ...words]);
  expect((await start('init').ended()).code).toBe(0);
  const reach = ['wal', 'receive', 'shop', '--host', cluster.socketDirectory, '--user', 'postgres'];
  const receive = (...words: string[]) => start(...reach, '--spool', place.join('spool'), ...words);

  const once_ = await receive('--until-caught-up').ended();
  expect(once_).toMatchObject({ code: 0, errors: '' });
  expect(once_.messages.at(-1)).toMatchObject({ message_type: 'summary', lag_bytes: 0, gaps: 0 });

  const service = receive('--slot', 'understudy', '--partial-interval', '200ms');
  await waitFor(() => service.messages().some(({ state }) => state === 'streaming'), { what: 'streaming' });
  await cluster.sql('create table written as select generate_series(1, 50000) i');
  const stored = () => service.messages().some((status) => Number(status['segments_archived']) > 0);
  await waitFor(stored, { what: 'a whole segment' });
  service.child.kill('SIGTERM');
  const stopped = await service.ended();
  expect(stopped).toMatchObject({ code: 0, errors: '' });
  expect(stopped.messages.at(-1)).toMatchObject({ message_type: 'summary', lag_bytes: 0, lag_seconds: 0 });

  await cluster.stop();
  const unreachable = await receive().ended();
  expect(unreachable.code).toBe(1);
  expect(JSON.parse(unreachable.errors)).toMatchObject({ code: 'postgres-unreachable' });
  const wrong = await receive('--stop-at-lsn', 'nowhere').ended();
  expect(wrong.code).toBe(2);
});

interface Ended {
  readonly code: number | null;
  readonly messages: readonly Record<string, unknown>[];
  readonly errors: string;
}

class Run {
  readonly child: ChildProcess;
  #output = '';
  #errors = '';

  constructor(words: readonly string[]) {
    const env = { ...process.env, UNDERSTUDY_PASSWORD: 'secret of the test' };
    this.child = spawn(process.execPath, [program, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk) => (this.#output += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.#errors += String(chunk)));
  }

  messages(): Record<string, unknown>[] {
    const whole = this.#output.slice(0, this.#output.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async ended(): Promise<Ended> {
    if (this.child.exitCode === null) await once(this.child, 'close');
    return { code: this.child.exitCode, messages: this.messages(), errors: this.#errors };
  }
}
