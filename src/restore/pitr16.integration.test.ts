import { pitrSuite } from './fixture/pitrSuite.ts';

pitrSuite([16]);
