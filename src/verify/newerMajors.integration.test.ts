import { goodBackupSuite } from './fixture/goodBackupSuite.ts';

goodBackupSuite([16, 17, 18]);
