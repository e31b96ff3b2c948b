/** The panel that shows how picture and words were brought together; absent for models that cannot say. */
import { useState } from "react";
import type { SearchResponse } from "../../../src/service/api.js";
import { useReference } from "../picture/use-reference.js";
import { AttentionMap } from "../route/attention-map.js";
import { RouteFlow } from "../route/route-flow.js";
import { leadSentence } from "../route/route-shares.js";
import type { Reference } from "../state/search-state.js";

interface HowItSearchedProps {
  readonly answer: SearchResponse;
  /** The reference that was searched with. */
  readonly reference: Reference | undefined;
}

export function HowItSearched({ answer, reference }: HowItSearchedProps) {
  const shown = useReference(reference);
  // Open stays open from one search to the next, also when one between them has nothing to explain.
  const [isOpen, setOpen] = useState(false);
  const { modules, queries } = answer;
  const { routes = [], attention } = queries[0] ?? {};
  const hasRoutes = routes.length > 0 && modules.length > 0;
  // One region is the whole picture: nothing to be seen in it.
  const hasMap =
    attention !== undefined && attention.rows * attention.columns > 1 && attention.words.length > 0;
  // Words alone take a way too, but one through an empty picture, of which the panel's words would be untrue.
  if (reference === undefined || (!hasRoutes && !hasMap)) return null;
  return (
    <details className="how card" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>How it searched</strong>
        {hasRoutes && <span className="soft">{leadSentence(routes, modules)}</span>}
      </summary>
      <div className="how-parts">
        {hasMap && <AttentionMap key={attention.words.join(" ")} attention={attention} shown={shown} />}
        {hasRoutes && <RouteFlow routes={routes} modules={modules} />}
      </div>
    </details>
  );
}
