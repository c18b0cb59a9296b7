import { z } from 'zod';
import { configExample } from './configExample.ts';
import { optionText, type OptionPath } from '../../src/config/options.ts';
import { configSchema } from '../../src/config/schema.ts';

/** The part of JSON Schema that our schema uses. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** The reference page of `understudy.yaml`. */
export function configurationReference(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', reused: 'inline' }) as Node;
  return `<!-- Generated from src/config/ by npm run generate; do not edit. -->
# Configuration

Understudy reads one file, \`understudy.yaml\`: the one named by \`--config\` or \`UNDERSTUDY_CONFIG\`, else the first found
of \`./understudy.yaml\`, \`~/.config/understudy/understudy.yaml\` and \`/etc/understudy/understudy.yaml\`. A key that is not
listed here is an error. Without a file, what is needed comes from flags and the environment.

A flag wins over an UNDERSTUDY_* variable, that over the file, the file over a RESTIC_* variable. Relative paths start
at the directory of the file. \`\${NAME}\` in a password or a connection URI is replaced by that environment variable
(\`$\${NAME}\` is the text itself). Sizes are written \`16MiB\`, durations \`90s\`, \`15m\`, \`1h30m\`, \`7d\`. Check a file with
\`understudy doctor\`. For completion and checks while typing, give your editor \`schema/understudy.schema.json\` of this
package (\`npm root --global\` says where that is); with the YAML language server, in the first line of the file:

\`\`\`yaml
# yaml-language-server: $schema=/usr/lib/node_modules/@scenescout/understudy/schema/understudy.schema.json
\`\`\`

## Example

\`\`\`yaml
${configExample}\`\`\`

## Options
${section('', schema).join('\n')}
`;
}

/** One table for the values of a mapping, then one for each mapping in it. */
function section(at: string, node: Node): string[] {
  const lines: string[] = [];
  const children = Object.entries(node.properties ?? {}).map(([name, child]) => ({
    path: at === '' ? name : `${at}.${name}`,
    child,
    required: node.required?.includes(name) ?? false,
  }));
  const values = children.filter(({ child }) => !isMapping(child));
  if (values.length > 0) {
    if (at !== '') lines.push('', `### \`${at.replaceAll('*', '<name>')}\``, '', introduction(at));
    lines.push('', '| key | value | default | also | meaning |', '|---|---|---|---|---|');
    lines.push(...values.map(({ path, child, required }) => row(path, child, required)));
  }
  for (const { path, child } of children) {
    if (isMapping(child)) lines.push(...section(...(named(path, child) ?? [path, child])));
  }
  return lines;
}

/** What a section is about; for one with names of the user's choice, what the whole is about. */
function introduction(path: string): string {
  return optionText((path.endsWith('.*') ? path.slice(0, -2) : path) as OptionPath).description;
}

/** A mapping with names of the user's choice: its members are described instead. */
function named(path: string, node: Node): [string, Node] | undefined {
  if (typeof node.additionalProperties !== 'object') return undefined;
  const member = node.additionalProperties;
  return [`${path}.*`, member.oneOf?.length === 1 ? member.oneOf[0]! : member];
}

function isMapping(node: Node): boolean {
  return node.type === 'object';
}

function row(path: string, node: Node, required: boolean): string {
  const text = optionText(path as OptionPath);
  const also = [text.flag, text.environment, text.resticEnvironment, text.libpqEnvironment];
  const fallback = required ? 'required' : node.default === undefined ? '' : code(JSON.stringify(node.default));
  const key = path.slice(path.lastIndexOf('.') + 1);
  const names = also.filter((name) => name !== undefined).map(code);
  return `| \`${key}\` | ${kind(node)} | ${fallback} | ${names.join(', ')} | ${text.description} |`;
}

function kind(node: Node): string {
  if (node.const !== undefined) return code(JSON.stringify(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(String(value))).join(', ');
  if (node.anyOf !== undefined) return node.anyOf.map(kind).join(' or ');
  if (node.type === 'array') return `list of ${kind(node.items ?? {})}`;
  return { string: 'text', integer: 'number', boolean: '`true`, `false`' }[node.type ?? ''] ?? node.type ?? '';
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
