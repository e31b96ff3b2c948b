/** Phrases that shoppers could mean, from the texts that the model learned from. */
import { useEffect, useState } from "react";
import { getSuggestions } from "../api/client.js";

/** Typing that continues within this time asks only once. */
const pauseMs = 120;

interface Wanted {
  readonly prefix: string;
  readonly limit: number;
  readonly isWanted?: boolean;
}

/** Those of the newest answer; none when the service has none or cannot be asked. */
export function useSuggestions({ prefix, limit, isWanted = true }: Wanted): readonly string[] {
  const [suggestions, setSuggestions] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!isWanted) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(
      () => {
        getSuggestions({ prefix, limit }, abort.signal).then(
          (found) => !abort.signal.aborted && setSuggestions(found),
          () => !abort.signal.aborted && setSuggestions([]),
        );
      },
      prefix === "" ? 0 : pauseMs,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [prefix, limit, isWanted]);
  return suggestions;
}
