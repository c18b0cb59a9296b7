import type { DumpRecord } from '../../backup/dumpRecord.ts';
import type { Context } from '../../base/context.ts';
import { rolesOfGlobals } from '../../restore/dumpContents.ts';
import type { Dump } from '../../restore/loadDump.ts';
import { judge, type Outcome } from '../proof/checkList.ts';

/** The globals make the roles of the record, all of them and no other. */
export async function checkGlobals(ctx: Context, dump: Dump): Promise<Outcome> {
  const { globals, roles } = dump.record;
  if (globals === null) {
    return {
      status: 'skipped',
      detail: ['the backup was made without roles: `globals: none`'],
    };
  }
  const found = new Set(await rolesOfGlobals(ctx, dump, globals));
  const expected = new Set(roles.map(({ name }) => name));
  const wrong = [
    ...[...expected].filter((name) => !found.has(name)).map((name) => `${globals.path} does not make role ${name}`),
    ...[...found].filter((name) => !expected.has(name)).map((name) => `role ${name} is not in the record`),
  ];
  return judge(wrong, { expected: `${expected.size} roles`, actual: `${found.size} roles in ${globals.path}` });
}

/** What the backup could not hold is no fault of it, but somebody must know. */
export function checkNotCaptured({ notCaptured }: DumpRecord): Outcome {
  const unexpected = notCaptured.filter(({ expected }) => !expected);
  const lines = [...unexpected, ...notCaptured.filter(({ expected }) => expected)].map(
    ({ database, what, reason }) => `${database === null ? '' : `${database}: `}${what}: ${reason}`,
  );
  if (unexpected.length === 0) {
    const actual = lines.length === 0 ? 'nothing' : `${lines.length} things that are left out on purpose`;
    return { status: 'passed', actual, detail: lines };
  }
  return {
    status: 'warning',
    actual: `${unexpected.length} things are not in the backup that the configuration does not leave out`,
    detail: lines,
    hint: 'give the role of the backup the rights that are missing, or exclude those things',
  };
}
