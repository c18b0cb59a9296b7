import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { backUpFiles } from '../../testing/filesBackups.ts';
import { needs } from '../../testing/needs.ts';
import { createCluster } from '../../testing/postgresServer.ts';
import { benchPassword, ProofBench } from '../../testing/proofBench.ts';
import { newLocalRepository, passwordText } from '../../testing/repositories.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { shellWord } from './byHand.ts';
import { restoreClusterKind } from './restoreCluster.ts';
import { restoreFilesKind } from './restoreFiles.ts';

const run = promisify(execFile);

/** Runs lines of a runbook as a person would, with stock restic. */
async function type(lines: string, place: { repository: string; password: string; cwd: string }): Promise<void> {
  const env = { ...process.env, RESTIC_REPOSITORY: place.repository, RESTIC_PASSWORD: place.password };
  await run('sh', ['-ec', lines], { cwd: place.cwd, env });
}

needs('restic')('what the runbook says to type brings a data directory back', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const destination = bench.directory.join("the new 'one'");
  const options = { destination, existing: 'refuse', source: 'main', target: { immediate: false } } as const;
  const lines = restoreClusterKind.byHand?.(options)?.split('\n') ?? [];
  expect(lines).toHaveLength(4);
  const cwd = bench.directory.path;
  await type(lines.slice(0, 2).join('\n'), { repository: bench.repositoryPath, password: benchPassword, cwd });
  expect(await readFile(`${destination}/PG_VERSION`, 'utf8')).toMatch(/^\d+\n$/);
  expect(await readdir(destination)).toEqual(expect.arrayContaining(['backup_label', 'backup_manifest', 'pg_wal']));
});

needs('restic')('what the runbook says to type brings a part of the files back', async () => {
  await using directory = await tempDir();
  await mkdir(directory.join('in/conf d'), { recursive: true });
  await writeFile(directory.join('in/conf d/a'), 'alpha');
  const repository = directory.join('repository');
  await backUpFiles(await newLocalRepository(repository), { paths: [directory.join('in')] });
  const place = { repository, password: passwordText, cwd: directory.path };
  const chosen = { snapshot: 'latest', source: 'app', existing: 'refuse' } as const;
  for (const [path, destination] of [
    ['conf d', 'one'],
    [`/app/files${directory.path}/in/conf d`, 'two'],
  ] as const) {
    const lines = restoreFilesKind.byHand?.({ ...chosen, path, destination: directory.join(destination) }) ?? '';
    await type(lines.replace('<directory on the lost machine>', directory.join('in').slice(1)), place);
    expect(await readFile(directory.join(`${destination}/a`), 'utf8')).toBe('alpha');
  }
});

test('words are literal in a shell, parameters of the plan are its variables', async () => {
  for (const word of ["it's", 'a "b" c', '$HOME', '`id`', '\\', '', 'plain/word.1']) {
    expect((await run('sh', ['-c', `printf %s ${shellWord(word)}`])).stdout).toBe(word);
  }
  const env = { place: '/srv/a b' };
  expect((await run('sh', ['-c', `printf %s ${shellWord('${place}/$x "y"')}`], { env })).stdout).toBe(
    '/srv/a b/$x "y"',
  );
});
