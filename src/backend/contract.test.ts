import { tempDir } from '../testing/tempDir.ts';
import type { Backend } from './backend.ts';
import { testBackendContract } from './contractSuite.ts';
import { FaultBackend } from './fault.ts';
import { withConcurrencyLimit } from './limitConcurrency.ts';
import { openLocalBackend } from './local.ts';
import { withLogging } from './logging.ts';
import { openMemoryBackend } from './memory.ts';
import { openBackend } from './openBackend.ts';
import { withRetry } from './retry.ts';

const policy = { firstDelayMs: 1, maxDelayMs: 2, totalMs: 10 };

async function openTemporary(open: (path: string) => Promise<Backend> | Backend): Promise<Backend & AsyncDisposable> {
  const directory = await tempDir();
  const backend = await open(directory.join('repository'));
  return Object.assign(backend, { [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() });
}

testBackendContract('memory', async () => openMemoryBackend());
testBackendContract('local directory', () => openTemporary((path) => openLocalBackend(path, { create: true })));
testBackendContract('retry', async () => withRetry(openMemoryBackend(), policy));
testBackendContract('concurrency limit of one', async () => withConcurrencyLimit(openMemoryBackend(), 1));
testBackendContract('logging', async () => withLogging(openMemoryBackend()));
testBackendContract('fault without a plan', async () => new FaultBackend(openMemoryBackend()));
testBackendContract('local directory as openBackend composes it', () =>
  openTemporary((path) => openBackend(path, { create: true })),
);
