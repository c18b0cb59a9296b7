import { goodBackupSuite } from './fixture/goodBackupSuite.ts';

goodBackupSuite([13, 14, 15]);
