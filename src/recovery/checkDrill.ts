import { isAbsolute, relative, resolve } from 'node:path';
import { onlyAsks } from './kinds/http.ts';
import type { Plan, Step } from './planDocument.ts';
import type { PlanProblem } from './planProblem.ts';

const hint = 'name a place inside, or let the step say `drill: true` if it may do that in a drill too';

/** Finds the steps that would change something outside of a drill's directory, and are not allowed to by name. */
export function checkDrill({ steps }: Plan, directory: string): PlanProblem[] {
  return steps.flatMap((step, index) => {
    const effect = step.when && !step.drill ? effectOutside(step, directory) : undefined;
    if (effect === undefined) return [];
    const message = `step "${step.id}" would act outside of the drill's sandbox: it ${effect}`;
    return [{ path: ['steps', index], message, hint }];
  });
}

/** What a step changes that is not in the directory, as far as its options tell: what a program does, nobody knows. */
function effectOutside({ kind, options }: Step, directory: string): string | undefined {
  switch (kind) {
    case 'restore-cluster':
    case 'restore-files': {
      const path = resolve(directory, textOf(options['destination']));
      return isInside(directory, path) ? undefined : `writes ${path}`;
    }
    case 'test-cluster':
    case 'run': {
      const data = resolve(directory, textOf(options['dataDirectory']));
      if (!isInside(directory, data)) return `starts a server on ${data}`;
      const path = resolve(directory, textOf(options['directory']));
      return isInside(directory, path) ? undefined : `runs a program in ${path}`;
    }
    case 'restore-table':
      return options['sandbox'] === true ? undefined : 'writes to a running server';
    case 'restore-database':
      return 'writes to a running server';
    case 'sql':
      return options['write'] === true ? 'writes to a running server' : undefined;
    case 'http':
      return onlyAsks(textOf(options['method'])) ? undefined : `sends ${textOf(options['method'])}`;
    case 'notify':
      return 'tells something to somebody';
    default:
      return undefined;
  }
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function textOf(option: unknown): string {
  return typeof option === 'string' ? option : '';
}
