import { nameHint } from './nearestName.ts';
import { dotted, type Problem } from './problem.ts';
import type { Config, ConnectionConfig, PostgresConfig } from './schema.ts';

type DatabaseAssertions = PostgresConfig['verify']['assertions'];

/** What a schema of single values cannot see: names that must exist, options that exclude each other. */
export function crossCheck(config: Config): Problem[] {
  const problems = exclusive(['repository'], config.repository, ['password', 'passwordFile', 'passwordCommand']);
  for (const [name, source] of Object.entries(config.sources)) {
    const path = ['sources', name];
    if (source.tier !== undefined && !(source.tier in config.tiers)) {
      problems.push({
        path: [...path, 'tier'],
        message: `${dotted(path)}: there is no tier "${source.tier}"`,
        hint: nameHint(source.tier, Object.keys(config.tiers)),
      });
    }
    if (source.kind === 'git' && source.path === undefined && Object.keys(source.remotes).length === 0) {
      problems.push({ path, message: `${dotted(path)}: a git repository needs a path or remotes` });
    }
    const assertions = [...path, 'verify', 'assertions'];
    problems.push(...sameNames(assertions, source.verify.assertions));
    if ('connection' in source) {
      problems.push(...connectionProblems([...path, 'connection'], source.connection));
      problems.push(...assertionProblems(assertions, source.verify.assertions));
    }
  }
  return problems;
}

function sameNames(path: readonly string[], named: readonly { readonly name: string }[]): Problem[] {
  return named.flatMap(({ name }, index) => {
    if (named.findIndex((other) => other.name === name) === index) return [];
    return [{ path: [...path, index, 'name'], message: `${dotted(path)}: "${name}" is the name of two` }];
  });
}

function assertionProblems(path: readonly string[], assertions: DatabaseAssertions): Problem[] {
  return assertions.flatMap((assertion, index) => {
    const at = [...path, index];
    if (assertion.sql === undefined && assertion.command === undefined) {
      return [{ path: at, message: `${dotted(at)}: it needs sql or a command` }];
    }
    return [...exclusive(at, assertion, ['sql', 'command']), ...exclusive(at, assertion, ['sql', 'directory'])];
  });
}

function connectionProblems(path: readonly string[], connection: ConnectionConfig): Problem[] {
  const problems = exclusive(path, connection, ['password', 'passwordFile']);
  for (const part of ['host', 'port', 'user', 'database'] as const) {
    problems.push(...exclusive(path, connection, ['uri', part]));
  }
  return problems;
}

/** A problem at the second of several options of which at most one may be given. */
function exclusive<Section extends object>(
  path: readonly PropertyKey[],
  section: Section,
  names: readonly (keyof Section & string)[],
): Problem[] {
  const [first, second] = names.filter((name) => section[name] !== undefined);
  if (first === undefined || second === undefined) return [];
  return [{ path: [...path, second], message: `${dotted(path)}: ${first} and ${second} exclude each other` }];
}
