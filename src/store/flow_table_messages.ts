/** What FlowTable tells its thread, in the order of sending. */
export type ToFlowTable =
  | {
      readonly kind: 'rows';
      readonly nRows: number;
      readonly rows: ArrayBuffer;
      readonly heap: ArrayBuffer;
    }
  | { readonly kind: 'statement'; readonly sql: string; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'close' };

export type SqlRow = readonly (string | number | boolean | null)[];

/** What comes back: `done` once per message, and for the opening. */
export type FromFlowTable =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface FlowTableData {
  readonly path: string;
  /** What needs the database, for the sentence when it is not there. */
  readonly wanted: string;
}
