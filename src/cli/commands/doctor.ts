import { OperationError } from '../../base/errors.ts';
import type { CommandRun } from '../command.ts';
import { checkConfiguration } from '../doctor/configuration.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkRuntime } from '../doctor/runtime.ts';
import { plural } from '../format.ts';
import type { doctorSpec } from '../specs/doctor.ts';
import { styled, type Terminal } from '../terminal.ts';

const colors = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

export const run: CommandRun<typeof doctorSpec> = async (_ctx, invocation) => {
  const { printer, terminal } = invocation;
  const loaded = await invocation.loadConfig();
  const findings = [...checkRuntime(), ...(await checkConfiguration(loaded, invocation))];
  for (const finding of findings) printer.result('finding', { ...finding }, () => findingText(terminal, finding));
  const failed = findings.filter(({ verdict }) => verdict === 'failed').length;
  if (failed > 0) {
    throw new OperationError('check-failed', `doctor found ${plural(failed, 'thing')} that must be put right`, {
      hint: 'see the lines marked failed',
    });
  }
};

function findingText(terminal: Terminal, { check, verdict, message, hint }: Finding): string {
  const line = `${styled(terminal, colors[verdict], verdict.padEnd(7))}  ${check}: ${message}`;
  return hint === undefined ? line : `${line}\n         ${hint}`;
}
