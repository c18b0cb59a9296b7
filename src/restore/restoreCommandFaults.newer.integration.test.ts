import { faultSuite } from './fixture/faultSuite.ts';

faultSuite([17, 18]);
