export interface FuzzWork {
  readonly target: string;
  readonly seed: number;
  readonly seconds?: number;
  readonly inputs?: number;
  readonly replay?: string;
  readonly module?: string;
  readonly stuckMs?: number;
}

export function watched(work: FuzzWork): Promise<{
  readonly inputs: number;
  readonly findings: readonly { readonly reason: string; readonly bytes: string }[];
}>;
