import { chmodSync, closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { deserializeError, serializeError } from '../../base/workerPool.ts';

/** Unix socket addresses hold 108 bytes with the final zero; some systems fewer. */
const maxAddressBytes = 100;
/** A request or an answer is far smaller. */
const maxLineChars = 64 * 1024;

export type RequestHandler = (request: unknown) => Promise<unknown>;

export interface LocalServer {
  /** Stops taking requests; resolves when those under way are answered. */
  close(): Promise<void>;
}

/**
 * Answers requests, one JSON line each, on a Unix socket that only users who may enter `directory` can reach.
 * Undefined when another process already answers there. A socket that a dead process left behind is replaced.
 */
export async function listenLocally(
  directory: string,
  name: string,
  handle: RequestHandler,
): Promise<LocalServer | undefined> {
  const server = createServer((socket) => serve(socket, handle));
  using place = addressOf(directory, name);
  if (!(await tryListen(server, place.address))) {
    if (await answers(place.address)) return undefined;
    unlinkQuietly(join(directory, name));
    if (!(await tryListen(server, place.address))) return undefined;
  }
  chmodSync(join(directory, name), 0o600);
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/**
 * Asks the process that listens there. Resolves to `{ answer }`, or undefined when there is none or it died before it
 * answered. Throws the error that it answered with, or the reason of `signal`.
 */
export async function askLocally(
  at: { readonly directory: string; readonly name: string },
  request: unknown,
  signal: AbortSignal,
): Promise<{ readonly answer: unknown } | undefined> {
  let place: Place;
  try {
    place = addressOf(at.directory, at.name);
  } catch {
    return undefined; // there is no such directory
  }
  using _place = place;
  const line = await exchange(place.address, `${JSON.stringify(request)}\n`, signal);
  if (line === undefined) return undefined;
  const reply = JSON.parse(line) as { answer?: unknown; failure?: unknown };
  if (reply.failure !== undefined) throw deserializeError(reply.failure);
  return { answer: reply.answer };
}

interface Place extends Disposable {
  readonly address: string;
}

/** A path that is too long for a socket address is reached through an open descriptor of its directory (Linux). */
function addressOf(directory: string, name: string): Place {
  const plain = join(directory, name);
  if (Buffer.byteLength(plain) <= maxAddressBytes) return { address: plain, [Symbol.dispose]: () => undefined };
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return { address: `/proc/self/fd/${fd}/${name}`, [Symbol.dispose]: () => closeSync(fd) };
}

function tryListen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      if (systemErrorCode(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', failed);
    server.listen({ path: address }, () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path: address });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function serve(socket: Socket, handle: RequestHandler): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy()); // who asked has gone away
  socket.on('data', (part: string) => {
    text += part;
    if (text.length > maxLineChars) socket.destroy();
    if (!text.endsWith('\n')) return;
    const request = text;
    text = '';
    void answerTo(request, handle).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
  });
}

async function answerTo(line: string, handle: RequestHandler): Promise<{ answer?: unknown; failure?: unknown }> {
  try {
    return { answer: (await handle(JSON.parse(line))) ?? null };
  } catch (error) {
    return { failure: serializeError(error) };
  }
}

function exchange(address: string, line: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection({ path: address });
    const settle = (result: string | undefined): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(result);
    };
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(line));
    socket.on('data', (part: string) => (text += part));
    socket.once('error', () => settle(undefined));
    socket.once('close', () => settle(text.endsWith('\n') ? text : undefined));
  });
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // another process was faster
  }
}
