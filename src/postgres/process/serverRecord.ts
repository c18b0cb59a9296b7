import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { identifyProcess } from './processIdentity.ts';

const recordName = 'server.json';
const recordSchema = z.object({ pid: z.int().positive(), startedAt: z.string(), dataDirectory: z.string() });

export interface RecordedServer {
  readonly pid: number;
  readonly dataDirectory: string;
  /** Whether exactly this server, and not another process with its number, is running. */
  readonly running: boolean;
}

/** Notes which server runs for a run directory, so that a later process can find and end it when we died. */
export function recordServer(
  runDirectory: string,
  server: { readonly pid: number; readonly dataDirectory: string },
): void {
  const { pid, dataDirectory } = server;
  const identity = identifyProcess(pid);
  if (identity === undefined) return; // it ended already
  const record = { pid, startedAt: identity.startedAt, dataDirectory };
  writeFileAtomic(join(runDirectory, recordName), Buffer.from(JSON.stringify(record)));
}

/** The server recorded in a run directory; undefined when none was started there. */
export function recordedServer(runDirectory: string): RecordedServer | undefined {
  let text: string;
  try {
    text = readFileSync(join(runDirectory, recordName), 'utf8');
  } catch {
    return undefined;
  }
  const record = recordSchema.safeParse(parseJson(text));
  if (!record.success) return undefined;
  const { pid, startedAt, dataDirectory } = record.data;
  const now = identifyProcess(pid);
  return { pid, dataDirectory, running: now?.startedAt === startedAt && now.program === 'postgres' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
