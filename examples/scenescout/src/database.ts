import pg from 'pg';

export type Role = 'anon' | 'authenticated' | 'service_role';

export interface Identity {
  readonly role: Role;
  readonly userId?: string;
}

export const anonymous: Identity = { role: 'anon' };
export const service: Identity = { role: 'service_role' };

export function openPool(connectionString: string): pg.Pool {
  return new pg.Pool({ connectionString, max: 10, connectionTimeoutMillis: 10_000, application_name: 'scenescout' });
}

/**
 * Runs `work` in one transaction with the rights of `identity`: row security decides what it sees, whoever the pool
 * logs in as.
 */
export async function as<T>(pool: pg.Pool, identity: Identity, work: (db: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('role', $1, true), set_config('request.user_id', $2, true)`, [
      identity.role,
      identity.userId ?? '',
    ]);
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    const failed = await client.query('rollback').then(
      () => false,
      () => true,
    );
    client.release(failed); // a connection that cannot roll back is not used again
    throw error;
  }
}
