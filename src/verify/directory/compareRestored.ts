import { lstatSync, type BigIntStats } from 'node:fs';
import { loadPosix, type Posix } from '../../base/posix.ts';
import { bytesOf, readTarget } from '../../restorer/existingEntries.ts';
import type { Attributes, PlannedSpecial, RestorePlan } from '../../restorer/restorePlan.ts';
import { nodeTypeOfUnixMode } from '../../snapshot/fileMode.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { shownPath } from './treeContents.ts';

export interface RestoredAttributes {
  readonly plan: RestorePlan;
  /** What the restore said that it could not set. */
  readonly refused: readonly string[];
  /** Owners were restored too. */
  readonly owners: boolean;
}

/** Types, modes, owners, times, links and extended attributes on the disk against those in the snapshot. */
export function compareRestored({ plan, refused, owners }: RestoredAttributes): Outcome {
  const comparison = new Comparison(new Set(refused), owners);
  for (const { path, attributes } of plan.directories)
    if (attributes !== undefined) comparison.directory(path, attributes);
  for (const { path, attributes } of plan.files) comparison.file(path, attributes);
  for (const special of plan.specials) comparison.special(special);
  for (const { path, target } of plan.hardLinks) comparison.hardLink(path, target);
  const entries = plan.directories.length + plan.files.length + plan.specials.length + plan.hardLinks.length;
  const outcome = judge(comparison.wrong, { actual: `${entries} files, directories and links compared` });
  const isForeign = !owners && comparison.foreign > 0;
  if (outcome.status !== 'passed' || (!isForeign && refused.length === 0)) return outcome;
  const notSet = isForeign ? [`owners of ${comparison.foreign} of them: only root can restore these`] : [];
  const hint = owners ? 'verify on a file system like that of the original: --scratch' : 'verify as root';
  return { ...outcome, status: 'warning', detail: [...notSet, ...refused], hint };
}

class Comparison {
  readonly wrong: string[] = [];
  /** How many belong to others in the snapshot. */
  foreign = 0;
  readonly #refused: ReadonlySet<string>;
  readonly #owners: boolean;
  readonly #posix: Posix | undefined = loadPosix();
  /** Set-id bits of a group that is not ours do not stay. */
  readonly #modeBits = process.getuid?.() === 0 ? 0o7777 : 0o777;

  constructor(refused: ReadonlySet<string>, owners: boolean) {
    this.#refused = refused;
    this.#owners = owners;
  }

  directory(path: string, attributes: Attributes): void {
    const stat = this.#stat(path);
    if (stat === undefined) return;
    if (!stat.isDirectory()) return this.#say(path, 'it is no directory');
    this.#attributes(path, stat, attributes);
  }

  file(path: string, attributes: Attributes): void {
    const stat = this.#stat(path);
    if (stat === undefined) return;
    if (!stat.isFile()) return this.#say(path, 'it is no file');
    this.#attributes(path, stat, attributes);
  }

  special({ path, attributes, node }: PlannedSpecial): void {
    if (this.#refused.has(`the ${node.type} ${shownPath(path)}`)) return;
    const stat = this.#stat(path);
    if (stat === undefined) return;
    if (nodeTypeOfUnixMode(Number(stat.mode)) !== node.type) return this.#say(path, `it is no ${node.type}`);
    if (node.type === 'symlink' && !readTarget(path).equals(node.linkTarget)) this.#say(path, 'it leads elsewhere');
    this.#attributes(path, stat, node.type === 'symlink' ? { ...attributes, mode: Number(stat.mode) } : attributes);
  }

  hardLink(path: string, target: string): void {
    const [stat, other] = [this.#stat(path), this.#stat(target)];
    if (stat !== undefined && other !== undefined && stat.ino !== other.ino) {
      this.#say(path, `it is no other name of ${shownPath(target)}`);
    }
  }

  #attributes(path: string, stat: BigIntStats, wanted: Attributes): void {
    const compare = (what: string, found: unknown, stored: unknown): void => {
      if (found !== stored) this.#say(path, `its ${what} is ${String(found)}, in the snapshot ${String(stored)}`);
    };
    const octal = (mode: number): string => (mode & this.#modeBits).toString(8);
    compare('mode', octal(Number(stat.mode)), octal(wanted.mode));
    if (this.#posix !== undefined) compare('time', stat.mtimeNs, wanted.mtimeNs);
    if (this.#owners) compare('owner', `${stat.uid}:${stat.gid}`, `${wanted.uid}:${wanted.gid}`);
    if (Number(stat.uid) !== wanted.uid || Number(stat.gid) !== wanted.gid) this.foreign++;
    for (const { name, value } of wanted.xattrs ?? []) {
      if (this.#posix === undefined || this.#refused.has(`${name} of ${shownPath(path)}`)) continue;
      if (!this.#hasXattr(path, name, value)) this.#say(path, `its attribute ${name} is not that in the snapshot`);
    }
  }

  #hasXattr(path: string, name: string, value: Buffer): boolean {
    try {
      return this.#posix?.getXattr(bytesOf(path), Buffer.from(name)).equals(value) === true;
    } catch {
      return false; // it has none of that name
    }
  }

  #stat(path: string): BigIntStats | undefined {
    const stat = lstatSync(bytesOf(path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) this.#say(path, 'it is not there');
    return stat;
  }

  #say(path: string, what: string): void {
    this.wrong.push(`${shownPath(path)}: ${what}`);
  }
}
