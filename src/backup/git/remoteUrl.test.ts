import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRemoteUrl } from './remoteUrl.ts';

test.each([
  ['https://github.com/org/app.git', 'https://github.com/org/app.git', false],
  ['https://ghp_token@github.com/org/app.git', 'https://github.com/org/app.git', false],
  ['https://me:pa%40ss@host:8443/app.git?private_token=x', 'https://host:8443/app.git', false],
  ['ssh://git:pw@host:22/app.git', 'ssh://git@host:22/app.git', false],
  ['git@github.com:org/app.git', 'git@github.com:org/app.git', false],
  ['/srv/git/app.git', '/srv/git/app.git', true],
  ['../other.git', '/srv/other.git', true],
  ['./odd:name', '/srv/app/odd:name', true],
  ['file:///srv/app.git', 'file:///srv/app.git', true],
  ['https://a:b@[broken/app.git', 'https://[broken/app.git', false],
  ['https://me:pa/ss@host/app.git?private_token=x', 'https://host/app.git', false],
  ['ssh://git:pa/ss@host/app.git', 'ssh://host/app.git', false],
  ['https://me:123/x@host/app.git', 'https://host/app.git', false],
  ['https://host/@team/app.git', 'https://host/@team/app.git', false],
  ['https://host:8443/%40team/app.git', 'https://host:8443/%40team/app.git', false],
  ['me:pass/w@rd@host:org/app.git', 'me@host:org/app.git', false],
  ['git@host:org/app@2.git', 'git@host:org/app@2.git', false],
])('%s is shown as %s', (text, url, isLocal) => {
  expect(parseRemoteUrl(text, '/srv/app')).toMatchObject({ url, isLocal });
});

test.each([
  ['https://me:100%@host/app.git', 'me', '100%'],
  ['https://me:a%40%zz%C3%A9%FF@host/app.git', 'me', 'a@%zz%C3%A9%FF'],
  ['https://me:pa/s:s@host/app.git', 'me', 'pa/s:s'],
])('the password in %s', (text, username, password) => {
  const { credentials } = parseRemoteUrl(text, '/');
  expect([credentials?.username.reveal(), credentials?.password.reveal()]).toEqual([username, password]);
});

test('credentials of a web address are kept apart, and print as nothing', () => {
  const { credentials } = parseRemoteUrl('https://me:pa%40ss@host/app.git', '/');
  expect(credentials?.username.reveal()).toBe('me');
  expect(credentials?.password.reveal()).toBe('pa@ss');
  expect(JSON.stringify(parseRemoteUrl('https://me:pa%40ss@host/app.git', '/'))).not.toContain('pa@ss');
});

const markers = fc.stringMatching(/^S3CR3T[0-9]{8}$/);
const before = fc.stringMatching(/^[A-Za-z0-9/:%?#&=+!$. -]{0,6}$/);
const behind = fc.stringMatching(/^[A-Za-z0-9/@:%?#&=+!$. -]{0,6}$/);

test('no password is in what is shown of a URL, whatever it is made of', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('https://me:', 'http://me:', 'https://me.too:123/', 'ssh://git:', 'https://:', 'HTTPS://me:'),
      fc.tuple(before, markers, behind),
      fc.constantFrom('host', 'host:8443', 'git.example.org', '[::1]:80'),
      (start, [left, marker, right], host) => {
        const { url } = parseRemoteUrl(`${start}${left}${marker}${right}@${host}/org/app.git`, '/srv');
        expect(url).not.toContain(marker);
      },
    ),
    { numRuns: 3000 },
  );
});

test.each(['https:/me:geheim@host/app.git', 'https:me:ge/he@im@host/app.git', 'http::https://me:geheim@host/app.git'])(
  'a web address mistyped as %s shows no password',
  (text) => {
    const remote = parseRemoteUrl(text, '/');
    expect(remote).toMatchObject({ isLocal: false });
    expect(remote.url).toMatch(/^https?:\/?host\/app\.git$/);
  },
);
