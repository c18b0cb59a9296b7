import { readFileSync } from 'node:fs';
import { describeDatabase, describeServer } from '../../backup/describeDatabases.ts';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import { assert, isOperationError, type OperationError } from '../../base/errors.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { applyLogicalRestore } from '../../restore/applyLogicalRestore.ts';
import { createRoles } from '../../restore/exportDump.ts';
import type { Dump } from '../../restore/loadDump.ts';
import { planLogicalRestore } from '../../restore/planLogicalRestore.ts';
import { checkApplication } from '../application/checkApplication.ts';
import { openEmptySandbox, type EmptySandbox } from '../emptySandbox.ts';
import type { Rehearsal, SnapshotUnderTest } from '../kinds/kindVerification.ts';
import { judge, outcomeOfError, type Outcome } from '../proof/checkList.ts';
import { areMachinesWords } from '../proof/fault.ts';
import type { Phase, VerifiedTable } from '../proof.ts';
import { requireFreeSpace } from '../sandbox/freeSpace.ts';
import { chooseServerMajor, chooseSuperuser } from './chooseServer.ts';
import { compareContent, compareLargeObjects, compareRows } from './compareContents.ts';
import { compareConstraints, compareGrants, comparePolicies, compareSchemas } from './compareDefinitions.ts';
import {
  compareCollations,
  compareDatabases,
  compareExtensions,
  compareRoles,
  compareSequences,
} from './compareServer.ts';
import { shownName } from './differences.ts';
import { isPartial } from './partial.ts';
import type { RestoredDatabase, RestoredDump } from './restoredDump.ts';
import { setApartUnmade, untestedTables } from './unmade.ts';
import { findUsedNumbers } from './usedNumbers.ts';

/** Sessions that load, and then read, at once. */
const jobs = 4;

const comparisons = {
  'databases': compareDatabases,
  'roles': compareRoles,
  'schemas': compareSchemas,
  'extensions': compareExtensions,
  'rows': compareRows,
  'content': compareContent,
  'large objects': compareLargeObjects,
  'sequences': compareSequences,
  'constraints': compareConstraints,
  'policies': comparePolicies,
  'grants': compareGrants,
  'collations': compareCollations,
} as const;

export const rehearsalCheckNames = ['sandbox', 'restored databases', 'reading', ...Object.keys(comparisons)];

/** Level 4: restores a dump into a server of its own, reads all of it, and compares it with the record. */
export async function rehearseRestore(ctx: Context, subject: SnapshotUnderTest, dump: Dump): Promise<Rehearsal> {
  return new RestoreRehearsal(ctx, subject, dump).run();
}

class RestoreRehearsal {
  readonly #ctx: Context;
  readonly #subject: SnapshotUnderTest;
  readonly #dump: Dump;
  readonly #phases: Phase[] = [];
  #restored = false;
  /** What could not be made, because the dump does not hold what it refers to. */
  #problems: readonly string[] = [];
  #tables: VerifiedTable[] = [];
  #kept: string | undefined;

  constructor(ctx: Context, subject: SnapshotUnderTest, dump: Dump) {
    this.#ctx = ctx;
    this.#subject = subject;
    this.#dump = dump;
  }

  async run(): Promise<Rehearsal> {
    let opened: EmptySandbox | undefined;
    const open = async (): Promise<Outcome> => {
      const { sandbox = {}, progress } = this.#subject.options;
      progress.phase('starting a sandbox');
      const major = await chooseServerMajor(this.#ctx, this.#dump, sandbox.programs);
      const superuser = chooseSuperuser(this.#dump);
      opened = await openEmptySandbox(this.#ctx, { ...sandbox, major, superuser });
      return describeSandbox(opened, this.#dump);
    };
    if (await this.#subject.checks.runOfTester(4, 'sandbox', open)) {
      assert(opened !== undefined, 'a check that passed has opened its sandbox');
      await using server = opened;
      if (await this.#timed('restore', () => this.#restore(server))) {
        await this.#timed('checks', () => this.#compare(server));
        await this.#assert(server);
      }
      if (this.#subject.options.keepSandbox === true) this.#kept = await keep(server);
    }
    const kept = this.#kept === undefined ? {} : { kept: this.#kept };
    return { phases: this.#phases, restored: this.#restored, recovery: null, tables: this.#tables, ...kept };
  }

  #restore({ connection, server, sandbox: { directory } }: EmptySandbox): Promise<boolean> {
    const { checks, repository, options } = this.#subject;
    const { record, snapshot } = this.#dump;
    const { progress, sandbox = {} } = options;
    return checks.run(4, 'restored databases', async () => {
      requireFreeSpace(directory, BigInt(record.sizeBytes));
      await this.#prepare(connection);
      const problems: string[] = [];
      try {
        const plan = await planLogicalRestore(this.#ctx, repository, {
          selector: { text: snapshot.id },
          databases: [],
          existing: 'refuse',
          owners: true,
          grants: true,
          globals: record.globals !== null,
          target: connection,
          programDirectories: sandbox.programs?.directories ?? [],
        });
        await applyLogicalRestore(this.#ctx, plan, {
          jobs,
          progress,
          onUnmade: (database, said) => problems.push(...said.map((line) => `${database}: ${line}`)),
        });
      } catch (error) {
        this.#ctx.signal.throwIfAborted();
        if (!isOperationError(error)) throw error;
        return outcomeOfRestore(error, server.logFile);
      }
      this.#problems = problems;
      const names = record.databases.map(({ name }) => name).join(', ');
      return judgeRestore(problems, `${names}, ${formatBytes(record.sizeBytes)} of archives`);
    });
  }

  /** The server's own database gives way to the dumped one; roles come by the record where nothing makes them. */
  async #prepare(connection: EmptySandbox['connection']): Promise<void> {
    {
      await using sql = await openSqlConnection(this.#ctx, connection);
      await sql.query('DROP DATABASE IF EXISTS postgres');
    }
    if (this.#dump.record.globals === null) await createRoles(this.#ctx, this.#dump, connection);
  }

  async #compare({ connection, sandbox }: EmptySandbox): Promise<void> {
    const { checks, options } = this.#subject;
    const { record, major } = this.#dump;
    const { progress } = options;
    let restored: RestoredDump | undefined;
    const ofDatabase = (database: string) => ({ ...connection, database });
    const used: string[] = [];
    const read = await checks.run(4, 'reading', async () => {
      const databases: RestoredDatabase[] = [];
      for (const from of record.databases) {
        progress.phase(`reading tables of ${from.name}`, {
          items: from.tables.filter(({ rows }) => rows !== null).length,
        });
        const onTable = (): void => progress.advance({ items: 1 });
        const is = await describeDatabase(this.#ctx, ofDatabase(from.name), { jobs, onTable });
        databases.push({ from, is, partial: isPartial(record, from) });
        const lines = await findUsedNumbers(this.#ctx, ofDatabase(from.name), is);
        used.push(...lines.map((line) => `${from.name}: ${line}`));
      }
      const server = await describeServer(this.#ctx, connection);
      const apart = this.#problems.length === 0 ? { databases, untested: [] } : setApartUnmade(databases);
      restored = { record, server, databases: apart.databases, sameMajor: sandbox.installation.major === major };
      this.#tables = databases.flatMap(tablesOf);
      const actual = `every row of ${this.#tables.length} tables`;
      return untestedTables(apart.untested, actual);
    });
    if (restored === undefined) return;
    this.#restored = read;
    const dump = restored;
    for (const [name, compare] of Object.entries(comparisons)) {
      await checks.run(4, name, () => (compare === compareSequences ? warnOf(used, compare(dump)) : compare(dump)));
    }
  }

  async #assert({ connection, sandbox }: EmptySandbox): Promise<void> {
    const { checks, level, assertions, options } = this.#subject;
    if (level < 5) return;
    const { progress } = options;
    const restored = { server: connection, scratch: sandbox.directory };
    await checkApplication(this.#ctx, { checks, assertions, restored, progress });
  }

  async #timed<T>(name: Phase['name'], work: () => Promise<T>): Promise<T> {
    const beganMs = this.#ctx.clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#phases.push({ name, durationMs: Math.round(this.#ctx.clock.monotonicMs() - beganMs) });
    }
  }
}

function describeSandbox({ sandbox }: EmptySandbox, { record, major }: Dump): Outcome {
  const { isolation, installation, directory } = sandbox;
  const actual = `PostgreSQL ${installation.version} of ${installation.binDirectory} in ${directory}`;
  const said = { expected: `PostgreSQL ${record.serverVersionText}`, actual };
  const detail: string[] = [];
  if (installation.major !== major)
    detail.push(`the dumped server was of major ${major}, for which no programs are here`);
  if (!isolation.mounts) {
    detail.push(`the server sees the file system and the network of this machine: ${isolation.reason}`);
  }
  if (detail.length === 0) return { ...said, status: 'passed' };
  const hint =
    installation.major === major
      ? 'verify as root, or allow users to create name spaces'
      : `install the server programs of PostgreSQL ${major} to prove that it goes back where it came from`;
  return { ...said, status: 'warning', detail, hint };
}

/** The tester is to blame for extensions that are not installed, and for what its server says of the machine. */
function outcomeOfRestore(error: OperationError, logFile: string): Outcome {
  const outcome = outcomeOfError(error);
  if (outcome.status === 'inconclusive') return outcome;
  if (error.detail['extensions'] !== undefined) return { ...outcome, status: 'inconclusive' };
  const blamed = readFileSync(logFile, 'utf8').split('\n').filter(areMachinesWords);
  if (blamed.length === 0) return outcome;
  return { ...outcome, status: 'inconclusive', detail: [...(outcome.detail ?? []), ...blamed] };
}

/** What refers to relations that the dump does not hold cannot be made from it. */
function judgeRestore(problems: readonly string[], actual: string): Outcome {
  if (problems.length === 0) return { status: 'passed', actual };
  const wrong = problems.filter((line) => !/ does not exist\b| violates foreign key constraint /.test(line));
  if (wrong.length > 0) return judge(wrong, { actual });
  return {
    status: 'warning',
    actual: `${actual}; ${problems.length} objects refer to what the dump does not hold`,
    detail: problems,
    hint: 'dump also what these refer to, or restore this dump beside it',
  };
}

function warnOf(lines: readonly string[], outcome: Outcome): Outcome {
  if (lines.length === 0 || outcome.status !== 'passed') return outcome;
  const hint = 'does the application write numbers of its own? else the original has lost values of its sequences';
  return { ...outcome, status: 'warning', detail: lines, hint };
}

function tablesOf({ from, is }: RestoredDatabase): VerifiedTable[] {
  return is.tables.flatMap(({ schema, name, rows, contentHash }) =>
    rows === null || contentHash === null
      ? []
      : [{ database: from.name, name: shownName(schema, name), rows, fingerprint: contentHash }],
  );
}

async function keep({ server, sandbox }: EmptySandbox): Promise<string> {
  await server.stop('fast');
  return sandbox.keep();
}
