import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlobList } from './blobList.ts';
import { compareNodes, nameProblem, type TreeNode } from './node.ts';
import { parseTree, serializeTree, treeId } from './tree.ts';

const a = 'a'.repeat(64);
const b = `${'0'.repeat(63)}1`;
const times = { mtimeNs: 1_000_000_001n, atimeNs: 0n, ctimeNs: -1n };
const common = { mode: 420, ...times, uid: 0, gid: 0 };

function tree(...nodes: string[]): Buffer {
  return Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`);
}

function json(fields: string): string {
  const date = '1970-01-01T00:00:00Z';
  return `{${fields},"mtime":"${date}","atime":"${date}","ctime":"${date}","uid":0,"gid":0}`;
}

test('the stored form has restic’s order, omissions and escapes', () => {
  const nodes: TreeNode[] = [
    { ...common, type: 'dir', name: Buffer.from('<dir>'), mode: 2147484141, subtree: a },
    {
      ...common,
      type: 'symlink',
      name: Buffer.from('l\xff', 'latin1'),
      linkTarget: Buffer.from('x\xff', 'latin1'),
      links: 1n,
    },
    {
      ...common,
      uid: 70,
      gid: 71,
      user: 'postgres',
      group: 'db',
      inode: 2n ** 64n - 1n,
      deviceId: 5n,
      links: 2n,
      type: 'file',
      name: Buffer.from('ü "q"'),
      size: 9n,
      content: BlobList.fromHex([a, b]),
      error: 'cut',
      extendedAttributes: [{ name: 'user.x', value: Buffer.from('v') }],
    },
  ];
  const at =
    '"mtime":"1970-01-01T00:00:01.000000001Z","atime":"1970-01-01T00:00:00Z","ctime":"1969-12-31T23:59:59.999999999Z"';
  expect(serializeTree(nodes).toString()).toBe(
    `{"nodes":[{"name":"\\u003cdir\\u003e","type":"dir","mode":2147484141,${at},"uid":0,"gid":0,"content":null,"subtree":"${a}"},` +
      `{"name":"l\\\\xff","type":"symlink","mode":420,${at},"uid":0,"gid":0,"links":1,"linktarget":"x\\ufffd","linktarget_raw":"eP8=","content":null},` +
      `{"name":"ü \\\\\\"q\\\\\\"","type":"file","mode":420,${at},"uid":70,"gid":71,"user":"postgres","group":"db",` +
      `"inode":18446744073709551615,"device_id":5,"size":9,"links":2,"extended_attributes":[{"name":"user.x","value":"dg=="}],` +
      `"content":["${a}","${b}"],"error":"cut"}]}\n`,
  );
});

test('an empty tree and an empty file', () => {
  expect(serializeTree([]).toString()).toBe('{"nodes":[]}\n');
  const file: TreeNode = { ...common, type: 'file', name: Buffer.from('f'), size: 0n, content: BlobList.empty };
  expect(serializeTree([file]).toString()).toContain('"content":[]}');
});

const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 }).filter((name) => nameProblem(name) === undefined);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: 'binary', minLength: 1 });
const shared = fc.record(
  {
    name: bytes.map((name) => Buffer.from(name)),
    mode: fc.nat(),
    uid: fc.nat(),
    gid: fc.nat(),
    mtimeNs: fc.bigInt(-(10n ** 18n), 10n ** 18n),
    atimeNs: fc.bigInt(0n, 10n ** 18n),
    ctimeNs: fc.constant(0n),
    user: text,
    group: text,
    error: text,
    inode: uint64.filter((n) => n > 0n),
    links: uint64.filter((n) => n > 0n),
    extendedAttributes: fc.array(fc.record({ name: text, value: fc.uint8Array().map((value) => Buffer.from(value)) }), {
      minLength: 1,
    }),
  },
  { requiredKeys: ['name', 'mode', 'uid', 'gid', 'mtimeNs', 'atimeNs', 'ctimeNs'] },
);
const ids = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 })).map((list) => Buffer.concat(list));
const kinds = fc.oneof(
  fc.record({ type: fc.constant('file' as const), size: uint64, content: ids.map((id) => BlobList.fromPacked(id)) }),
  fc.record({ type: fc.constant('dir' as const), subtree: fc.constant(a) }),
  fc.record({ type: fc.constant('symlink' as const), linkTarget: bytes.map((target) => Buffer.from(target)) }),
  fc.record({ type: fc.constantFrom('dev' as const, 'chardev' as const), device: uint64.filter((n) => n > 0n) }),
  fc.record({ type: fc.constantFrom('fifo' as const, 'socket' as const) }),
);
const nodes = fc
  .uniqueArray(fc.tuple(shared, kinds), { selector: ([node]) => node.name.toString('hex') })
  .map((list) => list.map(([node, kind]) => ({ ...node, ...kind })).sort(compareNodes));

/** Content lists compare by their ids, whatever form they are held in. */
function plain(list: readonly TreeNode[]): unknown[] {
  return list.map((node) => (node.type === 'file' ? { ...node, content: [...node.content] } : node));
}

test('property: what is written is read back, and written again equal', () => {
  fc.assert(
    fc.property(nodes, (list) => {
      const stored = serializeTree(list);
      const read = parseTree(stored, treeId(stored));
      expect(plain(read)).toEqual(plain(list));
      expect(serializeTree(read).equals(stored)).toBe(true);
    }),
  );
});

test('spaces, unknown members, null members and any order are read', () => {
  const stored = Buffer.from(
    ` { "later" : [1, {"a":"]"}], "nodes" : [ { "content" : [ "${a}" , "${b}" ], "future":{"x":[-1.5e3,true]}, "type":"file", "name":"f", "subtree":null } ] } `,
  );
  const [node] = parseTree(stored, treeId(stored));
  expect(node?.type === 'file' ? [...node.content] : undefined).toEqual([a, b]);
  expect(node?.mtimeNs).toBe(-62_135_596_800_000_000_000n);
});

const file = (name: string) => json(`"name":"${name}","type":"file","content":[]`);

test.each([
  ['names out of order', tree(file('b'), file('a'))],
  ['names in UTF-16 order', tree(file('\u{1f600}'), file('\uffe6'))],
  ['a name twice', tree(file('a'), file('a'))],
  ['an empty name', tree(file(''))],
  ['no name', tree(json('"type":"fifo"'))],
  ['the parent directory', tree(file('..'))],
  ['a slash', tree(file('a/b'))],
  ['a quoted slash', tree(file('\\\\x2fetc'))],
  ['a quoted NUL', tree(file('a\\\\x00'))],
  ['a wrongly quoted name', tree(file('\\\\q'))],
  ['content null', tree(json('"name":"f","type":"file","content":null'))],
  ['a short id', tree(json('"name":"f","type":"file","content":["ab"]'))],
  ['content of a directory', tree(json(`"name":"f","type":"dir","subtree":"${a}","content":["${a}"]`))],
  ['no subtree', tree(json('"name":"f","type":"dir"'))],
  ['the null subtree', tree(json(`"name":"f","type":"dir","subtree":"${'0'.repeat(64)}"`))],
  ['a subtree of a file', tree(json(`"name":"f","type":"file","content":[],"subtree":"${a}"`))],
  ['an unknown type', tree(json('"name":"f","type":"irregular"'))],
  ['no type', tree(json('"name":"f"'))],
  ['a member twice', tree(json('"name":"f","name":"g","type":"fifo"'))],
  ['a negative size', tree(json('"name":"f","type":"fifo","size":-1'))],
  ['a fractional size', tree(json('"name":"f","type":"fifo","size":1.5'))],
  ['a size beyond 64 bits', tree(json('"name":"f","type":"fifo","size":18446744073709551616'))],
  ['a mode beyond 32 bits', tree(json('"name":"f","type":"fifo","mode":4294967296'))],
  ['a wrong time', tree('{"name":"f","type":"fifo","mtime":"yesterday"}')],
  ['a wrong attribute', tree(json('"name":"f","type":"fifo","extended_attributes":[{"name":"a","value":"*"}]'))],
  ['nodes null', Buffer.from('{"nodes":null}\n')],
  ['no nodes', Buffer.from('{}\n')],
  ['nodes twice', Buffer.from('{"nodes":[],"nodes":[]}\n')],
  ['something behind', Buffer.from('{"nodes":[]}\n{}')],
  ['half a tree', tree(file('a')).subarray(0, 40)],
  ['nothing', Buffer.alloc(0)],
  ['bytes that are not UTF-8', Buffer.from('{"nodes":[],"\xff":1}', 'latin1')],
  ['deep nesting', Buffer.from(`{"x":${'['.repeat(100_000)}`)],
])('refused: %s', (_name, stored) => {
  expect(() => parseTree(stored, treeId(stored))).toThrow(expect.objectContaining({ code: 'repository-damaged' }));
});

test('an id that is not hex is found when the list is read', () => {
  const [node] = parseTree(tree(json(`"name":"f","type":"file","content":["${'G'.repeat(64)}"]`)), a);
  expect(() => node?.type === 'file' && node.content.packed()).toThrow('not a blob id');
});

test('our own mistakes are not written', () => {
  const fifo = (name: string): TreeNode => ({ ...common, type: 'fifo', name: Buffer.from(name) });
  expect(() => serializeTree([fifo('b'), fifo('a')])).toThrow('out of order');
  expect(() => serializeTree([fifo('..')])).toThrow('dot directory');
});

test('a tree of 2 GiB has an id', () => {
  expect(treeId(Buffer.alloc(2 ** 31))).toBe('a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51');
});
