import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const lifetimeMs = 12 * 3_600_000;

/** `salt:key`, both hexadecimal. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(password, salt, 32)).toString('hex')}`;
}

export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const [salt = '', key = ''] = stored.split(':');
  const expected = Buffer.from(key, 'hex');
  const found = await derive(password, Buffer.from(salt, 'hex'), 32);
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** `<user id>.<expiry, ms>.<signature>` */
export function issueToken(userId: string, secret: string): string {
  const claim = `${userId}.${Date.now() + lifetimeMs}`;
  return `${claim}.${sign(claim, secret)}`;
}

/** The user of a token that we signed and that has not expired, else undefined. */
export function userOfToken(token: string, secret: string): string | undefined {
  const [userId = '', expiry = '', signature = ''] = token.split('.');
  const isOurs = equalTexts(signature, sign(`${userId}.${expiry}`, secret));
  return isOurs && Number(expiry) > Date.now() ? userId : undefined;
}

/** Takes the same time wherever the texts differ. */
export function equalTexts(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHmac('sha256', 'equal').update(text).digest());
  return timingSafeEqual(a!, b!);
}

function sign(claim: string, secret: string): string {
  return createHmac('sha256', secret).update(claim).digest('base64url');
}
