import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProofBench } from '../testing/proofBench.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { failed, makeTable, proveWith } from './fixture/prove.ts';

/** Writes into a relation's file while the server is down. */
async function damageRelation(cluster: Cluster, name: string, damage: (path: string) => void): Promise<string> {
  const [row] = await cluster.sql<{ path: string }>('select pg_relation_filepath($1::regclass) as path', [name]);
  await cluster.stop();
  damage(join(cluster.dataDirectory, row!.path));
  await cluster.start();
  return row!.path;
}

test('a damaged index without page checksums is found by amcheck, and the proof says which', async () => {
  await using cluster = await createCluster({ checksums: false });
  await makeTable(cluster);
  await damageRelation(cluster, 't_text', (path) => {
    const bytes = readFileSync(path);
    // the first key on a leaf page, which has to be in order
    const page = bytes.subarray(8192 * 2, 8192 * 3);
    const item = page.readUInt32LE(24 + 4) & 0x7fff;
    page.fill(0xff, item + 9, item + 20);
    writeFileSync(path, bytes);
  });
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof)).toEqual([expect.objectContaining({ name: 'indexes' })]);
  expect(failed(proof)[0]!.detail[0]).toMatch(/^postgres: public\.t_text: /);
  expect(bench.sandboxes()).toEqual([]);
});

test('a relation whose file the source had lost already is found', async () => {
  await using cluster = await createCluster();
  await makeTable(cluster);
  await cluster.sql('create index t_hash on t using hash (id); checkpoint');
  const path = await damageRelation(cluster, 't_hash', (file) => rmSync(file));
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof).map(({ name }) => name)).toEqual(['relation files', 'tables']);
  expect(failed(proof)[0]!.detail).toEqual([`postgres: public.t_hash: ${path} is missing`]);
  expect(failed(proof)[1]!.detail).toEqual([expect.stringContaining(`could not open file "${path}"`)]);
});

test('a page with a wrong checksum, in an index that nothing reads, is found', async () => {
  await using cluster = await createCluster();
  await makeTable(cluster);
  await cluster.sql('create index t_hash on t using hash (id); checkpoint');
  const path = await damageRelation(cluster, 't_hash', (file) => {
    const bytes = readFileSync(file);
    bytes[8192 * 3 + 5000]! ^= 1;
    writeFileSync(file, bytes);
  });
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof).map(({ name }) => name)).toEqual(['pages']);
  expect(failed(proof)[0]!.detail).toEqual([`${path}: page 3 has a wrong checksum`]);
});
