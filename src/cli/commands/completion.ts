import { OperationError } from '../../base/errors.ts';
import { nameHint } from '../../config/nearestName.ts';
import type { CommandRun } from '../command.ts';
import { commandTable, groups } from '../commandTable.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { completionModel } from '../completion/model.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { shells, type completionSpec } from '../specs/completion.ts';

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const run: CommandRun<typeof completionSpec> = async (_ctx, invocation) => {
  const wanted = invocation.arguments[0]!;
  const shell = shells.find((known) => known === wanted);
  if (shell === undefined) {
    throw new OperationError('usage', `there is no completion for "${wanted}"`, { hint: nameHint(wanted, shells) });
  }
  const script = scripts[shell](completionModel(commandTable, groups));
  invocation.printer.result('completion', { shell, script }, () => script.trimEnd());
};
