import type { TreeDifference } from '../../snapshot/diff.ts';
import type { TreeNode } from '../../snapshot/node.ts';
import { formatBytes, plural } from '../format.ts';
import { modifierOf } from './describeDifference.ts';

interface Count {
  entries: number;
  bytesBefore: number;
  bytesAfter: number;
}

/** Adds up what a diff found. */
export class DiffTally {
  readonly added: Count = { entries: 0, bytesBefore: 0, bytesAfter: 0 };
  readonly removed: Count = { entries: 0, bytesBefore: 0, bytesAfter: 0 };
  /** Content or type. */
  readonly changed: Count = { entries: 0, bytesBefore: 0, bytesAfter: 0 };
  readonly attributesOnly: Count = { entries: 0, bytesBefore: 0, bytesAfter: 0 };

  add(difference: TreeDifference): void {
    const modifier = modifierOf(difference);
    const count =
      modifier === '+'
        ? this.added
        : modifier === '-'
          ? this.removed
          : modifier === 'U'
            ? this.attributesOnly
            : this.changed;
    count.entries++;
    count.bytesBefore += sizeOf(difference.before);
    count.bytesAfter += sizeOf(difference.after);
  }

  fields(): Record<string, unknown> {
    const { added, removed, changed, attributesOnly } = this;
    return {
      added: { entries: added.entries, bytes: added.bytesAfter },
      removed: { entries: removed.entries, bytes: removed.bytesBefore },
      changed: { entries: changed.entries, bytes_before: changed.bytesBefore, bytes_after: changed.bytesAfter },
      attributes_only: { entries: attributesOnly.entries },
    };
  }

  text(): string {
    const { added, removed, changed, attributesOnly } = this;
    const parts = [
      added.entries > 0 && `${plural(added.entries, 'entry', 'entries')} added (${formatBytes(added.bytesAfter)})`,
      removed.entries > 0 &&
        `${plural(removed.entries, 'entry', 'entries')} removed (${formatBytes(removed.bytesBefore)})`,
      changed.entries > 0 &&
        `${plural(changed.entries, 'entry', 'entries')} changed (${formatBytes(changed.bytesBefore)} -> ${formatBytes(changed.bytesAfter)})`,
      attributesOnly.entries > 0 && `${plural(attributesOnly.entries, 'entry', 'entries')} with other attributes only`,
    ].filter((part) => part !== false);
    return parts.length === 0 ? 'nothing changed' : parts.join(', ');
  }
}

function sizeOf(node: TreeNode | undefined): number {
  return node?.type === 'file' ? Number(node.size) : 0;
}
