import { expect, test } from 'vitest';
import { chunkerDegree, isIrreducible, polynomialDegree, polynomialRemainder, randomPolynomial } from './polynomial.ts';

test('degree and remainder', () => {
  expect([0n, 1n, 2n, 0x3da3358b4dc173n].map(polynomialDegree)).toEqual([-1, 0, 1, 53]);
  // (x^3 + x + 1)(x^2 + 1) + x = x^5 + x^2 + 1
  expect(polynomialRemainder(0b100101n, 0b101n)).toBe(0b10n);
  expect(polynomialRemainder(0b10n, 0b101n)).toBe(0b10n);
});

test('there are as many irreducible polynomials of each degree as theory says', () => {
  // Moebius: 1/n * sum over d | n of mu(n/d) * 2^d
  const expected = [2, 1, 2, 3, 6, 9, 18, 30, 56, 99];
  const found = expected.map((_, index) => {
    const lowest = 1 << (index + 1);
    return Array.from({ length: lowest }, (__, i) => BigInt(lowest + i)).filter(isIrreducible).length;
  });
  expect(found).toEqual(expected);
});

test('constants are not irreducible', () => {
  expect([0n, 1n].map(isIrreducible)).toEqual([false, false]);
});

test('polynomials that restic accepts and refuses', () => {
  expect([0x3da3358b4dc173n, 0x2482734cacca49n].map(isIrreducible)).toEqual([true, true]);
  expect([0x38f1e565e288dfn, 0x30a8295b9d5c91n, 0x3da3358b4dc171n].map(isIrreducible)).toEqual([false, false, false]);
});

test('random polynomials have degree 53, are irreducible and differ', () => {
  const made = Array.from({ length: 5 }, randomPolynomial);
  expect(made.map(polynomialDegree)).toEqual(made.map(() => chunkerDegree));
  expect(made.every(isIrreducible)).toBe(true);
  expect(new Set(made).size).toBe(made.length);
});
