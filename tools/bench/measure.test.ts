import { expect, test } from 'vitest';
import { tempDir } from '../../src/testing/tempDir.ts';
import { processTimes } from './cpuTime.ts';
import { measure, type Work } from './measure.ts';

const node = process.execPath;
const workHard = 'for (let user = 0, system = 0; ({ user, system } = process.cpuUsage()), user + system < 400_000; );';

function measureAlone(work: Work) {
  const { signal } = new AbortController();
  return measure(work, { signal, sources: [], serverProcessIds: [], quietTimeoutMs: 0 });
}

test('time, processor and memory of a command are its own', async () => {
  const busy = `const b = Buffer.alloc(150 << 20, 1); ${workHard}`;
  const sample = await measureAlone(async (run) => void (await run({ words: [node, '-e', busy] })));
  expect(sample.cpuSeconds).toBeGreaterThan(0.35);
  expect(sample.cpuSeconds).toBeLessThan(3);
  expect(sample.wallMs).toBeGreaterThan(350);
  expect(sample.peakRssBytes).toBeGreaterThan(150 << 20);
  expect(sample.peakRssBytes).toBeLessThan(400 << 20);
});

test('a daemon that has left its parent is measured, and ended', async () => {
  await using directory = await tempDir({ owner: 'server' });
  const daemon = `${workHard} console.log(process.pid); setInterval(() => {}, 1000);`;
  // the command ends when its daemon has done its work and waits for more
  const script = `setsid "$0" -e "$1" >"$2" & until [ -s "$2" ]; do sleep 0.05; done; cat "$2"`;
  let daemonId = 0;
  const sample = await measureAlone(async (run) => {
    daemonId = Number(await run({ words: ['sh', '-c', script, node, daemon, directory.join('pid')] }));
  });
  expect(sample.cpuSeconds).toBeGreaterThan(0.35);
  expect(daemonId).toBeGreaterThan(1);
  expect(processTimes(daemonId)).toBeUndefined();
});

test('a command that fails says how', async () => {
  const failing = measureAlone(async (run) => void (await run({ words: ['sh', '-c', 'echo no disk >&2; exit 4'] })));
  await expect(failing).rejects.toThrow('status 4: no disk');
});

test('a program that is not there is an error of that run alone', async () => {
  const missing = measureAlone(async (run) => void (await run({ words: ['no-such-program'] })));
  await expect(missing).rejects.toThrow('spawn no-such-program E');
});
