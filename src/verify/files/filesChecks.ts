import { filesDirectoryName, type FilesRecord } from '../../backup/filesRecord.ts';
import { formatBytes } from '../../base/bytes.ts';
import { unixModeFromGo } from '../../snapshot/fileMode.ts';
import type { TreeNode } from '../../snapshot/node.ts';
import type { Loaded } from '../directory/directoryKind.ts';
import { nodesBelow } from '../directory/treeContents.ts';
import type { Outcome } from '../proof/checkList.ts';

/** What others may do with a file of secrets. */
const notPrivate = 0o077;

/** Something that should be there and is not makes a good backup one that a person has to know about. */
export function describeFiles({ record }: Loaded<FilesRecord>): Outcome {
  const { files, directories, sizeBytes, paths, missing, links, unreadable, changed } = record;
  const lacking = [
    ...missing.map((path) => `${path}: it was not there`),
    ...links.map((path) => `${path}: only the link is here, and not what it leads to`),
    ...listed(unreadable, ({ path, error }) => `${path}: it could not be read (${error})`),
    ...listed(changed, (path) => `${path}: it was written to each time it was read`),
  ];
  const actual = `${files.total} files, ${directories} directories, ${formatBytes(sizeBytes)} of ${paths.join(', ')}`;
  if (lacking.length === 0) return { status: 'passed', actual };
  return { status: 'warning', actual, detail: lacking, hint: 'the backup is good, and not all that was asked for' };
}

/** Counts, sizes, paths and the modes of secrets: where record and trees disagree. */
export function compareFilesRecord({ record, contents }: Loaded<FilesRecord>): string[] {
  const nodes = nodesBelow(contents, filesDirectoryName);
  const count = (type: TreeNode['type']): number => [...nodes.values()].filter((node) => node.type === type).length;
  const bytes = [...nodes.values()].reduce((sum, node) => sum + (node.type === 'file' ? node.size : 0n), 0n);
  const wrong: string[] = [];
  const compare = (what: string, said: number, found: number): void => {
    if (said !== found) wrong.push(`${what}: the record says ${said}, the snapshot holds ${found}`);
  };
  compare('files', record.files.total, count('file'));
  compare('directories', record.directories, count('dir'));
  compare('bytes', record.sizeBytes, Number(bytes));
  for (const path of record.paths) {
    if (path !== '/' && !nodes.has(keyOf(path))) wrong.push(`${path}: the record lists it and it is not there`);
  }
  for (const path of record.secrets.files.first) {
    const node = nodes.get(keyOf(path));
    if (node?.type !== 'file') wrong.push(`${path}: a file with secrets, and it is not there`);
    else if ((unixModeFromGo(node.mode, 'file') & notPrivate) !== 0) {
      wrong.push(`${path}: a file with secrets, and a restore would let others read it`);
    }
  }
  return wrong;
}

/** Absolute path as below the directory of the files. */
function keyOf(path: string): string {
  return Buffer.from(path.slice(1)).toString('latin1');
}

function listed<Item>(
  { count, first }: { readonly count: number; readonly first: readonly Item[] },
  line: (item: Item) => string,
): string[] {
  return count > first.length ? [...first.map(line), `and ${count - first.length} more`] : first.map(line);
}
