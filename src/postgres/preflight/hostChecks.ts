import { statfs, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, systemErrorCode } from '../../base/errors.ts';
import { readOutsideFiles } from '../catalog.ts';
import { controlFilePath, parseControlFile, type ControlFile } from '../controlFile.ts';
import { failed, inconclusive, ok, warning, type Check, type Subject } from './check.ts';

const hiddenPaths = inconclusive('unknown', 'grant pg_read_all_settings to this role');
const lowestFreeShare = 0.05;
/** A read may meet a write of the server; that often is improbable. */
const controlReads = 5;

const dataDirectory: Check = {
  name: 'data directory',
  expected: 'readable here, of this cluster',
  run: async (subject) => {
    const path = localDirectory(subject);
    if (path === undefined) return subject.options.method === 'files' ? hiddenPaths : undefined;
    try {
      const control = await readControl(path);
      if (control === undefined) return inconclusive(`${path}: pg_control is being written`, 'try again');
      if (control.systemIdentifier === subject.server.systemIdentifier) return ok(path);
      return failed(
        `${path} holds another cluster, ${control.systemIdentifier}`,
        'the server runs on another machine: run there, or use method stream',
      );
    } catch (error) {
      const hint =
        systemErrorCode(error) === 'ENOENT'
          ? 'the server runs on another machine, or in a container: run there, or use method stream'
          : 'run as the owner of the data directory or as root, or initialise with --allow-group-access';
      return failed(errorMessage(error), hint);
    }
  },
};

async function readControl(path: string): Promise<ControlFile | undefined> {
  for (let attempt = 0; attempt < controlReads; attempt++) {
    const reading = parseControlFile(await readFile(join(path, controlFilePath)));
    if (reading.state === 'sound') return reading.controlFile;
  }
  return undefined;
}

const links: Check = {
  name: 'links',
  expected: 'only pg_wal and those in pg_tblspc',
  run: async (subject) => {
    const path = localDirectory(subject);
    if (path === undefined) return undefined;
    const found = [...(await linksIn(path, '')), ...(await linksIn(path, 'base'))].filter((name) => name !== 'pg_wal');
    if (found.length === 0) return ok('no other');
    return warning(
      found.join(', '),
      'PostgreSQL does not follow them in a base backup: protect their targets yourself',
    );
  },
};

const outsideFiles: Check = {
  name: 'configuration files',
  expected: 'inside the data directory',
  run: async ({ sql }) => {
    const files = await readOutsideFiles(sql);
    if (files === undefined) return hiddenPaths;
    if (files.length === 0) return ok('inside the data directory');
    return warning(files.join(', '), 'a physical backup does not hold them: add them to a source of kind files');
  },
};

const diskSpace: Check = {
  name: 'disk space of pg_wal',
  expected: 'room for max_wal_size, and more than 5 %',
  run: async (subject) => {
    const path = localDirectory(subject);
    if (path === undefined) return undefined;
    const { bavail, blocks, bsize } = await statfs(join(path, 'pg_wal'));
    const freeMb = Math.floor((bavail * bsize) / 1024 / 1024);
    const found = `${freeMb} MB free (${((bavail / blocks) * 100).toFixed(0)} %)`;
    const wantedMb = Number(subject.settings.max_wal_size ?? 1024);
    if (freeMb >= wantedMb && bavail / blocks > lowestFreeShare) return ok(found);
    return warning(found, 'the server stops when this disk is full: enlarge it, or find what keeps WAL');
  },
};

/** Where the cluster lies on this machine, when files are going to be read here. */
function localDirectory({ options, settings }: Subject): string | undefined {
  return options.method === 'files' ? settings.data_directory : undefined;
}

async function linksIn(root: string, directory: string): Promise<string[]> {
  const entries = await readdir(join(root, directory), { withFileTypes: true });
  return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(directory, name));
}

/** What only the machine with the data directory can tell. */
export const hostChecks: readonly Check[] = [dataDirectory, links, outsideFiles, diskSpace];
