import type { Cluster } from './postgresServer.ts';

/** Content of every table of a database as one hash each, independent of the order of rows. */
export async function tableHashes(cluster: Cluster, database = 'postgres'): Promise<Record<string, string>> {
  await using client = await cluster.connect({ database });
  const { rows: tables } = await client.query<{ name: string }>(`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`);
  const hashes: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await client.query<{ hash: string }>(
      `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as hash from ${name} t`,
    );
    hashes[name] = rows[0]!.hash;
  }
  return hashes;
}
