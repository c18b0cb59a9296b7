import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { OperationError } from '../base/errors.ts';
import type { Problem } from './problem.ts';

/** A parsed YAML text that can still tell in which line something stands. */
export interface YamlFile {
  readonly value: unknown;
  /** Line, from 1, of a value; of its nearest existing parent when it is absent; of `key` in it when given. */
  lineOf(path: readonly PropertyKey[], key?: string): number;
}

/** Parses YAML 1.2. An error in the syntax is `config-invalid` with `name` and the line. */
export function parseYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw configProblem(`${name}:${line}`, [{ path: [], message: `not valid YAML: ${firstLine(error.message)}` }]);
  }
  return {
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    lineOf: (path, key) => lines.linePos(offsetOf(document, path, key)).line,
  };
}

/** The error for the first of some problems; all of them are in its detail. */
export function configProblem(place: string, problems: readonly Problem[]): OperationError {
  const [first, ...others] = problems;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return new OperationError('config-invalid', `${place}: ${first?.message ?? 'wrong'}${more}`, {
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    detail: { place, problems: problems.map(({ message }) => message) },
  });
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], key: string | undefined): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const step of key === undefined ? path : [...path, key]) {
    const found: Child | undefined = child(node, step);
    if (found === undefined) return offset;
    node = found.value;
    offset = (found.key ?? found.value)?.range?.[0] ?? offset;
  }
  return offset;
}

interface Child {
  readonly key: Node | undefined;
  readonly value: Node | null;
}

function child(node: Node | null, step: PropertyKey): Child | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    if (pair === undefined) return undefined;
    return { key: isNode(pair.key) ? pair.key : undefined, value: isNode(pair.value) ? pair.value : null };
  }
  const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
  return isNode(item) ? { key: undefined, value: item } : undefined;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.trim();
}
