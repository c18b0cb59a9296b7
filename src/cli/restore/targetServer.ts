import type { Context } from '../../base/context.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import type { Invocation } from '../command.ts';
import { prepareSource, type ConnectionFlags } from '../postgresSource.ts';

/** Source whose name stands in messages when none is configured. */
const unnamed = 'target';

/**
 * The server that a restore goes to: the one that the flags name, else that of the source, as configured. Where the
 * flags name a server, nothing of the configuration is used: its password is for another one. Throws what finding the
 * login throws.
 */
export async function targetServer(
  invocation: Pick<Invocation, 'loadConfig'>,
  flags: ConnectionFlags,
  source: string | undefined,
): Promise<ConnectionOptions> {
  const { sources } = (await invocation.loadConfig()).config;
  const isNamed = flags.host !== undefined || flags.port !== undefined || flags.user !== undefined;
  const connected = Object.entries(sources).filter(([, config]) => 'connection' in config);
  const [name, config] =
    connected.find(([each]) => each === source) ??
    (connected.length === 1 && source === undefined ? connected[0]! : []);
  const connection = !isNamed && config !== undefined && 'connection' in config ? config.connection : { tls: {} };
  return (await prepareSource(name ?? unnamed, { connection }, flags)).connection;
}

/** Directories with PostgreSQL's programs that are configured. */
export async function programDirectories(invocation: Pick<Invocation, 'loadConfig'>): Promise<readonly string[]> {
  return (await invocation.loadConfig()).config.postgresBinaries;
}

/** `host:port`, for people. */
export function serverText({ host, port }: ConnectionOptions): string {
  return host.startsWith('/') ? `${host} (port ${port})` : `${host}:${port}`;
}

/** Times the work, in milliseconds. */
export async function timed<T>(ctx: Context, work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const beganMs = ctx.clock.monotonicMs();
  const value = await work();
  return { value, ms: ctx.clock.monotonicMs() - beganMs };
}
