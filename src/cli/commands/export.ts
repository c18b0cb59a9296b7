import { stat } from 'node:fs/promises';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import { exportParts } from '../../restore/exportDump.ts';
import { findDump, type Dump } from '../../restore/loadDump.ts';
import { openEmptySandbox } from '../../verify/emptySandbox.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { writeTarget } from '../dump/writeTarget.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { openRepository, readLock } from '../openRepository.ts';
import { sandboxOptions } from '../restore/sandboxOptions.ts';
import { programDirectories, timed } from '../restore/targetServer.ts';
import type { exportSpec } from '../specs/export.ts';

type ExportInvocation = Invocation<typeof exportSpec>;

export const run: CommandRun<typeof exportSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const [text, path] = invocation.arguments as [string, string];
  if ((await stat(path).catch(() => undefined)) !== undefined) {
    throw new OperationError('destination-not-empty', `${path} exists already`, { hint: 'choose another name' });
  }
  const repository = await openRepository(ctx, invocation);
  await withReadLock(ctx, repository, {
    ...readLock(invocation),
    run: async (locked) => {
      const dump = await findDump(locked, repository, { text, source: options.source });
      const database = chooseDatabase(dump, options.database);
      const { ms } = await timed(locked, () => write(locked, invocation, { repository, dump, database, path }));
      printer.end(true);
      const { size } = await stat(path);
      const fields = { snapshot_id: dump.snapshot.id, database, target: path, size, seconds: ms / 1000 };
      printer.result('exported', fields, () => {
        return `${path}: database ${database}, ${formatBytes(size)}, in ${formatDuration(ms)}; pg_restore takes it`;
      });
    },
  });
};

interface Export {
  readonly repository: Repository;
  readonly dump: Dump;
  readonly database: string;
  readonly path: string;
}

async function write(ctx: Context, invocation: ExportInvocation, { repository, dump, database, path }: Export) {
  const { progress } = invocation.printer;
  const { whole } = dump.database(database);
  if (whole !== null) {
    progress.phase('writing', { bytes: whole.sizeBytes });
    return writeTarget(path, dump.content(ctx, whole), progress);
  }
  progress.phase('starting a sandbox');
  const sandbox = await sandboxOptions(invocation, invocation.options.scratch);
  await using server = await openEmptySandbox(ctx, { ...sandbox, major: dump.major });
  const content = exportParts(ctx, repository, {
    dump,
    database,
    server: server.connection,
    programDirectories: await programDirectories(invocation),
    progress,
  });
  return await writeTarget(path, content, progress);
}

function chooseDatabase({ record, snapshot }: Dump, wanted: string | undefined): string {
  const names = record.databases.map(({ name }) => name);
  const [only] = names;
  if (wanted !== undefined) return wanted;
  if (only !== undefined && names.length === 1) return only;
  throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} holds several databases`, {
    hint: `name one with --database: ${names.join(', ')}`,
  });
}
