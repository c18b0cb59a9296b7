import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { loadPosix } from '../base/posix.ts';

/**
 * Fills a new directory with everything that an ordinary one can hold: contents of all sizes, odd names, links,
 * devices.
 */
export function fillDirectory(path: string): void {
  const posix = loadPosix();
  const at = (name: string) => `${path}/${name}`;
  mkdirSync(at('a directory/empty'), { recursive: true });
  writeFileSync(at('empty file'), '');
  writeFileSync(at('small'), 'small');
  writeFileSync(at('large'), randomBytes(9_000_000));
  writeFileSync(at('a directory/text'), 'the same line again and again\n'.repeat(100_000));
  writeFileSync(at('sparse'), '');
  truncateSync(at('sparse'), 3_000_000);
  for (const name of ['ünïcödé', 'new\nline', 'tab\t"quote" \\ <&>', '\u{1F600}', 'a\u2028b', ' ']) {
    writeFileSync(at(name), name);
  }
  writeFileSync(Buffer.concat([Buffer.from(at('invalid ')), Buffer.of(0xff, 0xfe)]), 'not UTF-8');
  symlinkSync('a directory/text', at('link'));
  symlinkSync('nowhere at all', at('dangling'));
  linkSync(at('large'), at('a directory/hard link'));
  posix?.makeNode(Buffer.from(at('fifo')), 0o010640, 0n);
  if (process.getuid?.() === 0) {
    posix?.makeNode(Buffer.from(at('null')), 0o020666, 259n);
    posix?.makeNode(Buffer.from(at('disk')), 0o060640, 0x700n);
  }
  posix?.setXattr(Buffer.from(at('small')), Buffer.from('user.note'), Buffer.of(1, 0, 2));
  posix?.setXattr(Buffer.from(at('a directory')), Buffer.from('user.colour'), Buffer.from('blue'));
  chmodSync(at('small'), 0o4711);
  chmodSync(at('a directory/empty'), 0o1777);
  utimesSync(at('small'), 1, 1_000_000_000.5);
  utimesSync(at('a directory/empty'), 1, -86_400);
  lutimesSync(at('dangling'), 1, 1_234_567_890.25);
}

/**
 * Lines that are equal for directories with equal content and attributes: type, mode, owner, size, time, links,
 * extended attributes and a hash of each entry.
 */
export function describeDirectory(path: string): string[] {
  const options = { cwd: path, encoding: 'latin1', maxBuffer: 2 ** 26 } as const;
  const list = (type: string[], format: string) =>
    execFileSync('find', ['.', ...type, '-printf', format], options)
      .split('\0')
      .toSorted();
  const files = list(['-not', '-type', 'd'], '%P %y %m %U %G %s %T@ %l %n\\0');
  const directories = list(['-type', 'd'], '%P %y %m %U %G %T@\\0');
  const hashes = execFileSync('sh', ['-c', 'find . -type f -print0 | sort -z | xargs -0 sha256sum -z'], options);
  const attributes = execFileSync('sh', ['-c', 'getfattr -R -h -d -m - . 2>&1 | sort'], options);
  return [...files, ...directories, hashes, attributes];
}
