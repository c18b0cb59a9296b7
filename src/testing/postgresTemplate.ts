import { crc32c } from '@node-rs/crc32';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chown, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testCacheDirectory } from './postgresBinaries.ts';
import { serverUser } from './serverUser.ts';

const run = promisify(execFile);

export interface InitOptions {
  readonly binaries: string;
  /** Arguments of initdb beyond user, authentication and encoding. */
  readonly initdbArguments: readonly string[];
}

/**
 * Makes a data directory as initdb would, from a copy of one made earlier with the same binaries and arguments.
 * Each gets a system identifier of its own, as clusters have.
 */
export async function initCluster(dataDirectory: string, options: InitOptions): Promise<void> {
  const template = await findOrMakeTemplate(options);
  await run('cp', ['-a', '--reflink=auto', template, dataDirectory]);
  await giveOwnIdentifier(dataDirectory);
}

async function findOrMakeTemplate({ binaries, initdbArguments }: InitOptions): Promise<string> {
  const { size, mtimeMs } = statSync(join(binaries, 'postgres'));
  const key = createHash('sha256')
    .update(JSON.stringify([binaries, size, mtimeMs, initdbArguments]))
    .digest('hex');
  const template = join(testCacheDirectory, `cluster-${key.slice(0, 16)}`);
  if (existsSync(template)) return template;

  await mkdir(testCacheDirectory, { recursive: true, mode: 0o755 });
  const temporary = `${template}-tmp-${process.pid}`;
  await mkdir(temporary, { mode: 0o700 });
  const user = serverUser();
  if (user !== undefined) await chown(temporary, user.uid, user.gid);
  const fixed = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  await run(join(binaries, 'initdb'), ['-D', temporary, ...fixed, ...initdbArguments], {
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  });
  await rename(temporary, template).catch(() => rm(temporary, { recursive: true }));
  return template;
}

/** Writes a random system identifier into pg_control and into the header of the first WAL segment. */
async function giveOwnIdentifier(dataDirectory: string): Promise<void> {
  const controlPath = join(dataDirectory, 'global/pg_control');
  const control = await readFile(controlPath);
  const crcOffset = findControlCrc(control);
  randomBytes(4).copy(control, 0);
  control.writeUInt32LE(crc32c(control.subarray(0, crcOffset)), crcOffset);
  await writeFile(controlPath, control);

  const walDirectory = join(dataDirectory, 'pg_wal');
  const segments = (await readdir(walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  for (const name of segments) {
    await using segment = await open(join(walDirectory, name), 'r+');
    await segment.write(control, 0, 8, 24);
  }
}

/** The checksum is the last field of a structure whose length differs between majors: found by being right. */
function findControlCrc(control: Buffer): number {
  for (let offset = 200; offset < 512; offset += 4) {
    if (crc32c(control.subarray(0, offset)) === control.readUInt32LE(offset)) return offset;
  }
  throw new Error('no valid checksum in pg_control');
}
