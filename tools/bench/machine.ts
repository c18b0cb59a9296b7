import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { postgresBinaries } from '../../src/testing/postgresBinaries.ts';
import { postgresMajor } from './dataSets.ts';

/** Where figures were measured, as text for the tables. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly kernel: string;
  readonly disk: string;
}

export function describeMachine(directory: string): Machine {
  const processors = cpus();
  const [source = '', fileSystem = ''] = execFileSync('df', ['--output=source,fstype', directory], { encoding: 'utf8' })
    .split('\n')[1]!
    .split(/\s+/);
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    disk: `${fileSystem} on ${source}${diskModel(source)}`,
  };
}

/** Peers and their versions, ourselves first. A peer that is not installed has no version. */
export async function findTools(): Promise<Record<string, string | undefined>> {
  const binaries = await postgresBinaries(postgresMajor);
  return {
    understudy: `${manifest.version}, Node ${process.versions.node}`,
    PostgreSQL: versionOf(join(binaries, 'postgres'), '--version'),
    pgbackrest: versionOf('pgbackrest', 'version'),
    restic: versionOf('restic', 'version'),
    pg_basebackup: versionOf(join(binaries, 'pg_basebackup'), '--version'),
    pg_receivewal: versionOf(join(binaries, 'pg_receivewal'), '--version'),
    cp: versionOf('cp', '--version'),
  };
}

/** The first version number that a program prints; undefined when there is no such program. */
function versionOf(program: string, flag: string): string | undefined {
  try {
    const printed = execFileSync(program, [flag], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+(\.\d+)+/.exec(printed)?.[0];
  } catch {
    return undefined;
  }
}

function diskModel(device: string): string {
  const path = `/sys/block/${device.replace(/^\/dev\//, '').replace(/p?\d+$/, '')}/device/model`;
  return existsSync(path) ? ` (${readFileSync(path, 'utf8').trim()})` : '';
}
