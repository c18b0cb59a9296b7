import type { GitRecord } from '../../backup/gitRecord.ts';
import type { MirrorRefs } from '../../backup/restoredMirror.ts';

/** Where the refs of a mirror are not those of the record, a line for each. */
export function refProblems(
  record: Pick<GitRecord, 'refs' | 'kept'>,
  { refs, kept }: Pick<MirrorRefs, 'refs' | 'kept'>,
): string[] {
  const said = new Map(record.refs.map(({ name, id }) => [name, id]));
  const there = new Set(kept);
  return [
    ...[...said].flatMap(([name, id]) => {
      const found = refs.get(name);
      return found === id ? [] : [`${name}: the record says ${id}, the mirror ${found ?? 'does not have it'}`];
    }),
    ...[...refs.keys()].filter((name) => !said.has(name)).map((name) => `${name}: the record does not know it`),
    ...record.kept.filter((id) => !there.has(id)).map((id) => `${id}: a commit that no branch has, and it is lost`),
  ];
}
