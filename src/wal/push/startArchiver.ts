import { join } from 'node:path';
import { moduleUrl } from '../../base/workerPool.ts';
import type { ExportedCredentials } from '../../repository/sealedObject.ts';
import { startBackground, type StartMessage } from '../background/startProcess.ts';

/** What the archiver process is started with; it holds the key, and goes through a pipe. */
export interface ArchiverStart extends StartMessage {
  readonly location: string;
  readonly credentials: ExportedCredentials;
  readonly systemIdentifier: string;
  readonly named: boolean;
  readonly spool: string;
  readonly origin: string;
  /** It ends when nobody has asked for this long. */
  readonly idleMs: number;
}

/** Starts the archiver of a spool directory, unless one runs; resolves to whether one is ready. */
export function startArchiver(start: ArchiverStart): Promise<boolean> {
  return startBackground(moduleUrl('./archiverProcess', import.meta), start, join(start.spool, 'archiver.log'));
}
