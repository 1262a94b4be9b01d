import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);

/** An absolute path inside the project's folder. */
export const projectPath = (relative: string): string => fileURLToPath(new URL(relative, ROOT));
