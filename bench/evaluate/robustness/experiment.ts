import type { LinePlot } from '../plots.js';
import type { Table } from '../words.js';

/** What one experiment on robustness came to. */
export interface Experiment {
  readonly title: string;
  /** What was done, and what it shows. */
  readonly text: string;
  readonly table: Table;
  readonly plot: LinePlot | null;
}
