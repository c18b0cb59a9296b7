import { faultSuite } from './fixture/faultSuite.ts';

faultSuite([13, 14]);
