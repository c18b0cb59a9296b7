import { faultSuite } from './fixture/faultSuite.ts';

faultSuite([15, 16]);
