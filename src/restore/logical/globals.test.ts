import { expect, test } from 'vitest';
import { planGlobals } from './globals.ts';

const script = `
CREATE ROLE anna;
ALTER ROLE anna WITH LOGIN PASSWORD 'SCRAM';
CREATE ROLE bert;
CREATE ROLE "the admins";
GRANT "the admins" TO anna WITH ADMIN OPTION GRANTED BY postgres;
GRANT "the admins" TO bert GRANTED BY postgres;
GRANT bert TO "the admins";
GRANT SET ON PARAMETER log_statement TO anna;
GRANT SET ON PARAMETER log_statement TO bert WITH GRANT OPTION;
GRANT CREATE ON TABLESPACE fast TO bert;
`;

test('roles that are there get neither new attributes nor new rights', () => {
  expect(planGlobals(script, new Set(['anna', 'the admins']))).toEqual({
    statements: [
      'CREATE ROLE bert',
      'GRANT "the admins" TO bert GRANTED BY postgres',
      'GRANT SET ON PARAMETER log_statement TO bert WITH GRANT OPTION',
    ],
    createdRoles: ['bert'],
    keptRoles: ['anna', 'the admins'],
    leftTablespaces: ['fast'],
  });
});

test('on a new server all of it is carried out', () => {
  const { statements, keptRoles } = planGlobals(script, new Set());
  expect(statements).toHaveLength(9);
  expect(keptRoles).toEqual([]);
});
