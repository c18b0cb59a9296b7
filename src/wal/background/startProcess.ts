import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync, truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The log of a background process begins anew beyond this size. */
const maxLogBytes = 1024 * 1024;
/** It opens the repository before it says that it is ready. */
const readyTimeoutMs = 30_000;

/** What a background process reads from its standard input. It may hold a key: it never appears on a command line. */
export type StartMessage = object;

/**
 * Starts a process that outlives us, in a session of its own so that no signal to ours reaches it. It loads while its
 * message is still being made. Resolves to whether it said that it is ready; why it is not stands in its log. Throws
 * what hindered the message.
 */
export async function startBackground(module: URL, message: Promise<StartMessage>, logPath: string): Promise<boolean> {
  const log = openLog(logPath);
  const child = spawn(process.execPath, [fileURLToPath(module)], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'pipe', log],
  });
  closeSync(log);
  child.unref();
  const ready = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), readyTimeoutMs);
    const settle = (result: boolean): void => {
      clearTimeout(timer);
      resolve(result);
    };
    child.once('error', () => settle(false));
    child.once('exit', () => settle(false));
    child.stdout?.once('data', () => settle(true));
    child.stdin?.on('error', () => settle(false));
  });
  try {
    child.stdin?.end(JSON.stringify(await message));
    return await ready;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    child.stdout?.destroy();
  }
}

/** In the background process: what `startBackground` was given. */
export async function readStartMessage(): Promise<StartMessage> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as StartMessage;
}

/** In the background process: tells who started it. That process may have gone meanwhile. */
export function tellReady(): void {
  process.stdout.on('error', () => undefined);
  process.stdout.write('ready\n');
}

function openLog(path: string): number {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) truncateSync(path);
  return openSync(path, 'a', 0o600);
}
