import { errorCodes, type ErrorCodeEntry } from '../../src/base/errorCodes.ts';
import { pluginStates } from '../../src/base/pluginState.ts';

const meanings: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed',
  2: 'the command line or the configuration is wrong; nothing was done',
  3: 'done, but some of the input was changed, damaged or unreadable, or a recovery deviates from its plan',
  4: 'not decided: the backup could not be tested',
  10: 'there is no repository',
  11: 'the repository is locked',
  12: 'wrong password',
  70: 'a bug in understudy',
  127: 'WAL could neither be fetched nor proved absent: PostgreSQL stops recovery',
  130: 'stopped by a signal',
};

/** The page of exit statuses and error codes. */
export function exitCodesPage(): string {
  const entries: [string, ErrorCodeEntry][] = Object.entries(errorCodes);
  const statuses = [...new Set([0, ...entries.map(([, { exit }]) => exit)])].sort((a, b) => a - b);
  return `<!-- Generated from src/base/errorCodes.ts by npm run generate; do not edit. -->
# Exit codes

A command ends with status 0 only when it did all that it was asked for; a check that found a problem never does. The
statuses 0, 1, 3, 10, 11, 12 and 130 are those of restic.

| status | meaning |
|---|---|
${statuses.map(statusRow).join('\n')}

An error is one line on standard error, \`understudy: <message>\`, and where there is a next step a second one,
\`hint: <hint>\`. \`--verbose\` adds what caused it. With \`--json\` it is one object on standard error:
\`{"message_type":"error","code":"...","message":"...","hint":"...","exit":1}\`.

## \`wal get\`

PostgreSQL takes the statuses 1 to 125 of \`restore_command\` for "there is no such file" and ends recovery there. So
\`understudy wal get\` ends with 1 only when the file is proved absent (\`wal-missing\`); every other failure, whatever
its row below says, ends with 126 or more, and PostgreSQL stops instead of opening too early.

## \`monitor\`

\`understudy monitor\` ends as plugins of Nagios and its kin do, whatever the tables here say of errors. Its answer is
on standard output, UNKNOWN too.

| status | state | meaning |
|---|---|---|
${Object.entries(pluginStates)
  .map(([state, { exit, meaning }]) => `| ${exit} | ${state.toUpperCase()} | ${meaning} |`)
  .join('\n')}

## Error codes

| code | status | meaning |
|---|---|---|
${entries.map(([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`).join('\n')}
`;
}

function statusRow(status: number): string {
  const meaning = meanings[status];
  if (meaning === undefined)
    throw new Error(`exit status ${status} has no meaning yet: add it in ${import.meta.filename}`);
  return `| ${status} | ${meaning} |`;
}
