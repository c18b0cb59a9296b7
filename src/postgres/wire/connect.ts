import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsSocketOptions } from 'node:tls';
import pg from 'pg';
import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage, systemErrorCode } from '../../base/errors.ts';
import { type ConnectionOptions, type TlsOptions, describeServer } from '../connectionOptions.ts';
import { connectError, mayWorkWithoutTls } from './connectErrors.ts';

const defaultConnectTimeoutMs = 10_000;
const keepAliveIdleMs = 10_000;

/** How a session is used: SQL, or replication commands without (`true`) or with a database. */
export type SessionKind = 'sql' | 'true' | 'database';

/** A logged-in session. `parameters` is what the server reported about itself, e.g. `server_version`. */
export interface ConnectedClient {
  readonly client: pg.Client;
  readonly socket: Socket;
  readonly parameters: Map<string, string>;
}

/** What we use of pg and its types do not declare. */
interface ClientInternals {
  readonly connection: NodeJS.EventEmitter & { readonly stream: Socket };
  readonly connectionParameters: { options?: string; replication?: string; fallback_application_name?: string };
}

/**
 * Connects and logs in. Tries as libpq does: with `prefer` TLS first, then without.
 * Throws `postgres-unreachable`, `postgres-denied`, `postgres-settings`, `file-missing` ..., or the signal's reason.
 */
export async function connectClient(
  ctx: Context,
  options: ConnectionOptions,
  kind: SessionKind,
): Promise<ConnectedClient> {
  const mode = options.host.startsWith('/') ? 'disable' : (options.tls?.mode ?? 'prefer');
  const tls = mode === 'disable' ? undefined : await tlsSocketOptions({ ...options.tls, mode });
  try {
    return await connectOnce(ctx, options, { kind, tls });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (mode !== 'prefer' || !mayWorkWithoutTls(error)) throw connectError(options, error);
  }
  try {
    return await connectOnce(ctx, options, { kind, tls: undefined });
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw connectError(options, error);
  }
}

interface Attempt {
  readonly kind: SessionKind;
  readonly tls: TlsSocketOptions | undefined;
}

async function connectOnce(ctx: Context, options: ConnectionOptions, attempt: Attempt): Promise<ConnectedClient> {
  ctx.signal.throwIfAborted();
  const client = new pg.Client(clientConfig(options, attempt));
  const internals = client as unknown as ClientInternals;
  ignoreEnvironment(internals, attempt.kind);
  client.on('error', () => undefined); // reported where the socket is watched
  const parameters = new Map<string, string>();
  internals.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
    parameters.set(status.parameterName, status.parameterValue);
  });
  const onAbort = (): void => void internals.connection.stream.destroy();
  ctx.signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
    ctx.signal.throwIfAborted();
    return { client, socket: internals.connection.stream, parameters };
  } catch (error) {
    internals.connection.stream.destroy();
    throw error;
  } finally {
    ctx.signal.removeEventListener('abort', onAbort);
  }
}

function clientConfig(options: ConnectionOptions, attempt: Attempt): pg.ClientConfig {
  return {
    host: options.host,
    port: options.port,
    user: options.user,
    database: options.database ?? options.user,
    // a function, so that neither PGPASSWORD nor ~/.pgpass is consulted
    password: () => {
      if (options.password !== undefined) return options.password.reveal();
      throw new OperationError(
        'postgres-denied',
        `connecting to PostgreSQL at ${describeServer(options)}: no password`,
        {
          hint: 'the server asks for one: configure it',
        },
      );
    },
    ssl: attempt.tls ?? false,
    enableChannelBinding: attempt.tls !== undefined,
    ...(attempt.kind === 'sql' ? {} : { replication: attempt.kind }),
    application_name: options.applicationName ?? 'understudy',
    client_encoding: 'UTF8',
    connectionTimeoutMillis: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveIdleMs,
  };
}

/** pg takes PGOPTIONS and the like for whatever the configuration leaves out. */
function ignoreEnvironment({ connectionParameters }: ClientInternals, kind: SessionKind): void {
  delete connectionParameters.options;
  delete connectionParameters.fallback_application_name;
  if (kind === 'sql') delete connectionParameters.replication;
}

async function tlsSocketOptions(tls: TlsOptions): Promise<TlsSocketOptions> {
  const [ca, cert, key] = await Promise.all([readPem(tls.ca), readPem(tls.cert), readPem(tls.key)]);
  const verifies = tls.mode.startsWith('verify-') || (tls.mode === 'require' && ca !== undefined);
  return {
    rejectUnauthorized: verifies,
    ...(tls.mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    const codes = { ENOENT: 'file-missing', EACCES: 'file-denied' } as const;
    const code = codes[systemErrorCode(error) as keyof typeof codes] ?? 'file-io';
    throw new OperationError(code, `reading a TLS file for PostgreSQL: ${errorMessage(error)}`, {
      hint: 'do the TLS options name the right files, and may the user of this process read them?',
      cause: error,
    });
  }
}
