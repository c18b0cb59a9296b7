/** Entry of a pool's thread: loads the kernel module and runs one task after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from './errors.ts';
import { kernelHost, serializeError, type KernelModule } from './workerPool.ts';

assert(parentPort !== null, 'this module is the entry of a worker thread');
const port = parentPort;
const { module, init, shared } = workerData as {
  module: string;
  init: never;
  shared: Parameters<typeof kernelHost>[0];
};

const host = kernelHost(shared, (value, transfer = []) => {
  port.postMessage({ kind: 'message', value }, [...transfer]);
});
const loaded = (await import(module)) as KernelModule;
const kernel = await loaded.createKernel(init, host);

port.on('message', (task: unknown) => {
  kernel.run(task as never).then(
    (value) => port.postMessage({ kind: 'done', value }),
    (error: unknown) => port.postMessage({ kind: 'failed', value: serializeError(error) }),
  );
});
port.postMessage({ kind: 'ready' });
