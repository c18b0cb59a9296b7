import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { errorMessage } from '../../base/errors.ts';
import { readServerFacts, readSettings } from '../../postgres/catalog.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { controlFilePath, parseControlFile } from '../../postgres/controlFile.ts';
import { openSqlConnection, type SqlConnection } from '../../postgres/sqlConnection.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';

export interface ChosenMethod {
  readonly method: 'files' | 'stream';
  /** Why, for a person; undefined when the method was asked for. */
  readonly reason: string | undefined;
}

/** A read may meet a write of the server; that often is improbable. */
const controlReads = 5;

/**
 * What `method: auto` means for a server: `files` where its data directory can be read here and is that of the same
 * cluster, else `stream`. Throws what logging in throws.
 */
export async function chooseMethod(
  ctx: Context,
  connection: ConnectionOptions,
  givenDirectory: string | undefined,
): Promise<ChosenMethod> {
  await using sql = await openSqlConnection(ctx, connection);
  return await chooseMethodFor(sql, givenDirectory);
}

/** As `chooseMethod`, over a connection that is there already. */
export async function chooseMethodFor(sql: SqlConnection, givenDirectory: string | undefined): Promise<ChosenMethod> {
  const { systemIdentifier } = await readServerFacts(sql);
  const directory = givenDirectory ?? (await readSettings(sql)).data_directory;
  if (directory === undefined) return { method: 'stream', reason: 'the role may not see where the data directory is' };
  try {
    const found = await readIdentifier(join(directory, controlFilePath));
    if (found === systemIdentifier) return { method: 'files', reason: `${directory} is readable` };
    return { method: 'stream', reason: `${directory} on this machine is of another cluster` };
  } catch (error) {
    return { method: 'stream', reason: errorMessage(error) };
  }
}

async function readIdentifier(path: string): Promise<SystemIdentifier | undefined> {
  for (let attempt = 0; attempt < controlReads; attempt++) {
    const reading = parseControlFile(await readFile(path));
    if (reading.state === 'sound') return reading.controlFile.systemIdentifier;
  }
  return undefined;
}
