// What a unit has answered but the server could not write down: no reason to stop, but somebody must act on it
// (docs/operations/proposals.md). Told apart from the answers, which go through code that knows units only.
export interface Fault {
  hsm: string;
  // "transcript": it has no entry of the command; "record": a proposal could not be marked as sent.
  kind: "transcript" | "record";
  why: string;
  // Request and response, as far as this page has them, to be kept.
  frames: string[];
}

const listeners = new Set<(fault: Fault) => void>();

export const tellFault = (fault: Fault): void => listeners.forEach((listener) => listener(fault));

// Returns how to stop.
export function onFault(listener: (fault: Fault) => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
