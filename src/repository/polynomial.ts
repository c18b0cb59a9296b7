/**
 * Polynomials over GF(2), as restic's chunker needs them: bit i of the bigint is the coefficient of x^i.
 */
import { randomBytes } from 'node:crypto';

/** The degree of every chunker polynomial that restic makes. */
export const chunkerDegree = 53;

/** Degree of a polynomial; -1 for zero. */
export function polynomialDegree(polynomial: bigint): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1;
}

/** The remainder of `dividend` divided by `divisor`, which is not zero. */
export function polynomialRemainder(dividend: bigint, divisor: bigint): bigint {
  const degree = polynomialDegree(divisor);
  let rest = dividend;
  for (let shift = polynomialDegree(rest) - degree; shift >= 0; shift = polynomialDegree(rest) - degree) {
    rest ^= divisor << BigInt(shift);
  }
  return rest;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [left, right] = [a, b];
  while (right !== 0n) [left, right] = [right, polynomialRemainder(left, right)];
  return left;
}

/** Squaring over GF(2) puts a zero between every two coefficients. */
function square(polynomial: bigint): bigint {
  return BigInt(`0b${polynomial.toString(2).replaceAll(/\B/g, '0')}`);
}

/** Ben-Or's test: irreducible when no x^(2^i) - x, i up to half the degree, shares a factor with the polynomial. */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = polynomialDegree(polynomial);
  if (degree < 1) return false;
  let power = 2n;
  for (let i = 1; i <= degree / 2; i++) {
    power = polynomialRemainder(square(power), polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

/** A random irreducible polynomial of degree 53, as a new repository needs. */
export function randomPolynomial(): bigint {
  const highest = 1n << BigInt(chunkerDegree);
  for (;;) {
    const candidate = (randomBytes(8).readBigUInt64LE() & (highest - 1n)) | highest | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}
