/** What the shop has: categories, prices, attributes with counts, and the service's limits. */
import { useCallback, useEffect, useState } from "react";
import type { CatalogueInfo } from "../../../src/service/api.js";
import { getCatalogue } from "../api/client.js";
import { type Failure, failureOf } from "../api/failure.js";

export interface Catalogue {
  /** undefined until the service answered. */
  readonly info: CatalogueInfo | undefined;
  readonly failure: Failure | undefined;
  readonly retry: () => void;
}

/** Asks once, and again when told to. */
export function useCatalogue(): Catalogue {
  const [state, setState] = useState<Omit<Catalogue, "retry">>({ info: undefined, failure: undefined });
  const [asking, setAsking] = useState(() => new AbortController());
  useEffect(() => {
    const { signal } = asking;
    getCatalogue(signal).then(
      (info) => !signal.aborted && setState({ info, failure: undefined }),
      (error: unknown) => !signal.aborted && setState({ info: undefined, failure: failureOf(error) }),
    );
  }, [asking]);
  const retry = useCallback(() => {
    setAsking((before) => {
      before.abort();
      return new AbortController();
    });
  }, []);
  return { ...state, retry };
}
