/** Options by commander's names; settings are among them, see `settingsOf`. */
export interface ReplayFlags {
  readonly each?: true;
  readonly eve?: string;
  readonly eveDir?: string;
  readonly verdicts?: string;
  readonly flows?: string;
  readonly evidencePcap?: string;
  readonly metrics?: string;
  readonly model?: string;
  readonly saveModel?: string;
  readonly rules?: string;
  /** A mode, or true for that of the settings. */
  readonly respond?: string | true;
  readonly json?: true;
  readonly quiet?: true;
  readonly config?: string;
  readonly [setting: string]: unknown;
}

export interface WatchFlags {
  /** A mode, or true for that of the settings. */
  readonly respond?: string | true;
  readonly filter?: string;
  readonly promiscuous: boolean;
  readonly duration?: string;
  /** True: in the state directory; false: nothing is kept of what is learned. */
  readonly model: string | boolean;
  readonly eve?: string;
  readonly verdicts?: string;
  readonly flows?: string;
  readonly evidencePcap?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly config?: string;
  readonly [setting: string]: unknown;
}

export interface StateFlags {
  readonly json?: true;
  readonly config?: string;
  readonly [setting: string]: unknown;
}

export interface DevicesFlags extends StateFlags {
  readonly run?: string;
}

export interface ModelFlags extends StateFlags {
  readonly model?: string;
  readonly rollBack?: string;
}

export interface BenchFlags {
  readonly runs: string;
  readonly json?: true;
  readonly config?: string;
  readonly [setting: string]: unknown;
}

export interface RespondFlags extends StateFlags {
  readonly mode?: string;
  readonly stay?: true;
  readonly quiet?: true;
}

export interface ActionsFlags extends StateFlags {
  readonly all?: true;
}

export interface VoteFlags extends StateFlags {
  readonly as?: string;
  readonly because?: string;
}

export interface PanicFlags extends VoteFlags {
  readonly over?: true;
}

export interface AuditFlags extends StateFlags {
  readonly for?: string;
}

export interface AgentFlags {
  readonly listen: string;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly allow: string;
  readonly at: 'prerouting' | 'forward' | 'ingress';
  readonly device?: readonly string[];
  readonly never?: readonly string[];
  readonly quiet?: true;
}
