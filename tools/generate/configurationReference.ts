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
${sections('', schema).join('\n')}
`;
}

/** One table for the values of a mapping, then one for each mapping in it; what variants have alike comes once. */
function sections(at: string, node: Node): string[] {
  if (node.oneOf !== undefined) return [...new Set(node.oneOf.flatMap((variant) => sections(at, variant)))];
  const children = Object.entries(node.properties ?? {}).map(([name, child]) => ({
    path: at === '' ? name : `${at}.${name}`,
    child,
    required: node.required?.includes(name) ?? false,
  }));
  const rows = children
    .filter(({ child }) => !isMapping(child))
    .map((each) => row(each.path, each.child, each.required));
  const heading = at === '' ? [] : ['', title(at, node), '', introduction(at)];
  const table = ['', '| key | value | default | also | meaning |', '|---|---|---|---|---|', ...rows];
  const below = children.filter(({ child }) => isMapping(child)).flatMap(({ path, child }) => membersOf(path, child));
  const own = [...heading, ...(rows.length > 0 ? table : [])];
  return own.length > 0 ? [own.join('\n'), ...below] : below;
}

function membersOf(path: string, node: Node): string[] {
  if (node.items !== undefined) return sections(path, node.items);
  // with names of the user's choice: its members are described instead
  return typeof node.additionalProperties === 'object'
    ? sections(`${path}.*`, node.additionalProperties)
    : sections(path, node);
}

/** The variants of a mapping are told apart by their `kind`. */
function title(path: string, node: Node): string {
  const value = node.properties?.['kind']?.const;
  const variant = typeof value === 'string' ? `, kind ${code(value)}` : '';
  return `### \`${path.replaceAll('*', '<name>')}\`${variant}`;
}

/** What a section is about; for one with names of the user's choice, what the whole is about. */
function introduction(path: string): string {
  return optionText((path.endsWith('.*') ? path.slice(0, -2) : path) as OptionPath).description;
}

/** What has a section of its own: a mapping, or a list of them, but not one from names to single values. */
function isMapping({ type, additionalProperties, items }: Node): boolean {
  if (items !== undefined) return isMapping(items);
  if (typeof additionalProperties === 'object' && additionalProperties.type === 'string') return false;
  return type === 'object';
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
  if (typeof node.additionalProperties === 'object') return `${kind(node.additionalProperties)} by name`;
  if (node.type === 'array') return `list of ${kind(node.items ?? {})}`;
  return { string: 'text', integer: 'number', boolean: '`true`, `false`' }[node.type ?? ''] ?? node.type ?? '';
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
