import { resolve } from 'node:path';
import { Secret } from '../../base/secret.ts';

/** Where a remote is, and apart from it what nobody may see. */
export interface RemoteUrl {
  /** Without credentials: may be shown, stored, and stand on a command line. */
  readonly url: string;
  /** True for a directory of this machine. */
  readonly isLocal: boolean;
  readonly credentials?: { readonly username: Secret; readonly password: Secret };
}

/**
 * Takes a URL of git apart. What stands before the `@` of a web address is secret, the name too (it can be a token), so
 * is what follows a `?`; the user of an SSH address is not, its password is. Relative paths start at `directory`.
 */
export function parseRemoteUrl(text: string, directory: string): RemoteUrl {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) {
    const isRemote = /^[^/]*:/.test(text); // as git: host:path, unless a slash comes before the colon
    // user:password@host:path, which SSH has no use for; and a web address with too few slashes or a helper before it
    const url = text.replace(/^(https?:)(\/?).*@/is, '$1$2').replace(/^([^/:@]+):.*@([^/:@]+:)/s, '$1@$2');
    return isRemote ? { url, isLocal: false } : { url: resolve(directory, text), isLocal: true };
  }
  const url = URL.parse(text);
  if (url === null || hidesPassword(text)) return parseBroken(text);
  const { username, password, protocol } = url;
  const isWeb = protocol === 'http:' || protocol === 'https:';
  url.password = '';
  url.hash = '';
  if (isWeb) {
    url.username = '';
    url.search = '';
  }
  const plain = { url: url.href, isLocal: protocol === 'file:' };
  if (!isWeb || (username === '' && password === '')) return plain;
  return { ...plain, credentials: { username: secret(username), password: secret(password) } };
}

/**
 * Whether what reads as host and port may be a name and the beginning of a password: `https://me:123/x@host/app.git`.
 * An `@` in a path behind a port has to be written `%40`, so that nobody's password is taken for a path.
 */
function hidesPassword(text: string): boolean {
  return /^[^:]*:\/\/[^/?#@]*:\d*[/?#].*@/s.test(text);
}

/** What is no URL becomes one without what stands before the last `@`: a password with a slash in it, not escaped. */
function parseBroken(text: string): RemoteUrl {
  const [, scheme = '', before, rest = ''] = /^([^:]*:\/\/)(?:(.*)@)?(.*)$/s.exec(text) ?? [];
  const isWeb = /^https?:/i.test(scheme);
  const plain = { url: scheme + (isWeb ? rest.replace(/[?#].*$/s, '') : rest), isLocal: false };
  if (!isWeb || before === undefined || URL.parse(plain.url) === null) return plain;
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(before) ?? [];
  return { ...plain, credentials: { username: secret(username), password: secret(password) } };
}

/** As git: a `%` that begins no escape stands for itself. */
function secret(value: string): Secret {
  return new Secret(value.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => decoded(escapes)));
}

function decoded(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes; // no UTF-8
  }
}
