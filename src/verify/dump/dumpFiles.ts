import type { DumpArchive, DumpRecord } from '../../backup/dumpRecord.ts';
import { recordFileName, sourceOf } from '../../backup/sourceSnapshot.ts';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Dump } from '../../restore/loadDump.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import { walkTree } from '../../snapshot/walkTree.ts';
import type { SnapshotFiles } from '../data/readFiles.ts';
import { judge, type Outcome } from '../proof/checkList.ts';

/** The files of a logical backup, by path below the directory of its source; raw bytes as latin1 text. */
export async function loadDumpFiles(ctx: Context, repository: Repository, { snapshot }: Dump): Promise<SnapshotFiles> {
  const load = treeLoader(repository);
  const root = await findDirectory(ctx, load, snapshot.tree, sourceOf(snapshot));
  const files = new Map<string, FileNode>();
  await walkTree(ctx, load, root, {
    visit: ({ path, node }) => {
      if (node.type === 'file') files.set(path.toString('latin1'), node);
    },
  });
  return files;
}

/** Every archive that the record names is there, of its size, and nothing else. */
export function checkDumpFiles({ record, snapshot }: Dump, files: SnapshotFiles): Outcome {
  const wrong: string[] = [];
  if (record.source !== sourceOf(snapshot)) {
    wrong.push(`the record is of source ${record.source}, the snapshot of ${sourceOf(snapshot)}`);
  }
  const known = new Set([recordFileName]);
  for (const { path, sizeBytes, what } of archivesOf(record)) {
    const key = Buffer.from(path).toString('latin1');
    known.add(key);
    const size = files.get(key)?.size;
    if (size === undefined) wrong.push(`the backup has no ${path}: ${what}`);
    else if (size !== BigInt(sizeBytes)) wrong.push(`${path} has ${size} bytes, in the record ${sizeBytes}`);
  }
  for (const key of files.keys()) {
    if (!known.has(key)) wrong.push(`${Buffer.from(key, 'latin1').toString()} is not in the record`);
  }
  const databases = record.databases.map(({ name }) => name).join(', ');
  const actual = `${files.size} files of ${record.source}, databases ${databases}, ${formatBytes(record.sizeBytes)}`;
  return judge(wrong, { expected: `${known.size} files of the record`, actual });
}

/** All that a record names, and what each is. */
function archivesOf({ databases, globals }: DumpRecord): (DumpArchive & { readonly what: string })[] {
  const named = (archive: DumpArchive | null, what: string) => (archive === null ? [] : [{ ...archive, what }]);
  return [
    ...named(globals, 'roles and tablespaces'),
    ...databases.flatMap((database) => [
      ...named(database.preData, `definitions of ${database.name}`),
      ...named(database.postData, `indexes and constraints of ${database.name}`),
      ...named(database.largeObjects, `large objects of ${database.name}`),
      ...named(database.whole, `all of ${database.name}`),
      ...database.sequenceValues.flatMap((archive) => named(archive, `values of sequences of ${database.name}`)),
      ...database.tables.flatMap(({ archive, schema, name }) =>
        named(archive, `rows of table ${schema}.${name} of ${database.name}`),
      ),
    ]),
  ];
}
