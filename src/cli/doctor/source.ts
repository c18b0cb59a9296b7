import type { Context } from '../../base/context.ts';
import { readReplicationSlots, readSettings } from '../../postgres/catalog.ts';
import { preflight, type PreflightCheck, type PreflightOptions } from '../../postgres/preflight.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import type { PostgresMajor } from '../../postgres/version.ts';
import { chooseMethodFor } from '../backup/chooseMethod.ts';
import type { PostgresSource } from '../postgresSource.ts';
import { archivingFindings, type CommandAccess } from './archivingAdvice.ts';
import { checkDiskSpace } from './diskSpace.ts';
import { failedFinding, type Finding } from './finding.ts';

export interface SourceReport {
  readonly findings: readonly Finding[];
  /** Major version of the server; undefined when it could not be asked. */
  readonly major: PostgresMajor | undefined;
}

/** Everything about a source's server that can make its backups fail, or worth less than they look. */
export async function checkSource(ctx: Context, source: PostgresSource, access: CommandAccess): Promise<SourceReport> {
  const { name, config, connection } = source;
  try {
    const situation = await readSituation(ctx, source);
    const { method, wal } = situation;
    const slotName = config.wal.receive.slot;
    const checks = await preflight(ctx, connection, { method, wal, slotName });
    const spool = config.wal.spoolDirectory;
    return {
      major: situation.major,
      findings: [
        methodFinding(name, situation),
        ...checks.map((check) => preflightFinding(name, check)),
        ...archivingFindings(name, wal, access),
        ...(spool === undefined ? [] : checkDiskSpace(`${name}: spool`, spool)),
      ],
    };
  } catch (error) {
    return { major: undefined, findings: [failedFinding(`${name}: server`, error)] };
  }
}

interface Situation {
  readonly major: PostgresMajor;
  readonly method: 'files' | 'stream';
  readonly reason: string | undefined;
  readonly wal: PreflightOptions['wal'];
}

async function readSituation(ctx: Context, { config, connection }: PostgresSource): Promise<Situation> {
  await using sql = await openSqlConnection(ctx, connection);
  const { archive_mode: mode, archive_command: archiveCommand } = await readSettings(sql);
  const slots = await readReplicationSlots(sql);
  const pushes = mode !== 'off' && /\bwal push\b/.test(archiveCommand ?? '');
  const receives = slots.some(({ name }) => name === config.wal.receive.slot);
  const chosen =
    config.method === 'auto'
      ? await chooseMethodFor(sql, config.dataDirectory)
      : { method: config.method, reason: undefined };
  return { ...chosen, major: sql.major, wal: pushes ? 'push' : receives ? 'receive' : 'none' };
}

function methodFinding(name: string, { method, reason }: Situation): Finding {
  const because = reason === undefined ? 'as configured' : reason;
  return { check: `${name}: method`, verdict: 'ok', message: `${method}: ${because}` };
}

function preflightFinding(source: string, { name, status, found, expected, hint }: PreflightCheck): Finding {
  const verdict = status === 'inconclusive' ? 'warning' : status;
  const message = status === 'ok' ? found : `${found} (expected: ${expected})`;
  return { check: `${source}: ${name}`, verdict, message, ...(hint === undefined ? {} : { hint }) };
}
