import { closeSync, lstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { relationFiles } from './fileTree.ts';

const pageBytes = 8192;
const garbage = Buffer.alloc(pageBytes, 'not what PostgreSQL wrote here. ');

/** Overwrites `count` pages at random places of the relation files of a data directory. */
export function damagePages(dataDirectory: string, count: number): void {
  const random = seededRandom(count);
  const files = relationFiles(dataDirectory).map((name) => {
    const path = join(dataDirectory, name);
    return { path, pages: Math.floor(lstatSync(path).size / pageBytes) };
  });
  const total = files.reduce((sum, { pages }) => sum + pages, 0);
  for (let done = 0; done < count; done++) {
    let page = Math.floor(random() * total);
    for (const file of files) {
      if (page < file.pages) {
        overwritePage(file.path, page);
        break;
      }
      page -= file.pages;
    }
  }
}

function overwritePage(path: string, page: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, garbage, 0, pageBytes, page * pageBytes);
  closeSync(fd);
}
