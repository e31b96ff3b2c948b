/** What a search found, or why not. */
import type { ReactNode } from "react";
import type { SearchResponse } from "../../../src/service/api.js";
import { pageSize, placesOf } from "../state/search-runner.js";
import { isEmptyStep } from "../state/search-state.js";
import type { Search } from "../state/use-search.js";
import { countOf, formatCount } from "../words.js";
import { FailureNotice } from "./failure-notice.js";
import { ItemGrid } from "./item-grid.js";
import { matchMeaning } from "./match.js";

interface ResultsProps {
  readonly search: Search;
  /** The service looks no further than this; undefined while it is not known. */
  readonly furthest: number | undefined;
  readonly onChange: (id: string) => void;
  readonly onRetry: () => void;
  readonly onClearFilters: (() => void) | undefined;
  /** Stands between the heading and the items. */
  readonly children: ReactNode;
}

export function Results({ search, furthest, onChange, onRetry, onClearFilters, children }: ResultsProps) {
  const { answer, answered, loading, failure, failures } = search;
  const isFirst = loading === "first";
  const isRanked = answered !== undefined && !isEmptyStep(answered.step);
  const count = answer?.items.length ?? 0;
  const places = placesOf(answer);
  const hasMore = places > 0 && places < Math.min(answer?.fitting ?? 0, furthest ?? Number.POSITIVE_INFINITY);
  return (
    <section id="results" className="results" aria-label="Items" tabIndex={-1}>
      <div className="results-head">
        <h2>
          <span role="status">{isFirst ? "Searching…" : countText(answer, isRanked)}</span>
        </h2>
        {!isFirst && answer && isRanked && (
          <p className="small soft">
            <abbr title={matchMeaning}>Match</abbr>: {matchText(answer.scoredPairs)}. Found in{" "}
            <span title={timesText(answer.timesMs)}>{Math.max(1, Math.round(answer.timesMs.total))} ms</span>.
          </p>
        )}
      </div>
      {children}
      {isFirst && answer === undefined && <Skeleton />}
      {answer && count > 0 && <ItemGrid answer={answer} isStale={isFirst} onChange={onChange} />}
      {answer && count === 0 && !isFirst && (
        <div className="notice">
          <p>Nothing in the shop fits {onClearFilters === undefined ? "this search" : "these filters"}.</p>
          {onClearFilters !== undefined && (
            <button type="button" className="button" onClick={onClearFilters}>
              Clear filters
            </button>
          )}
        </div>
      )}
      {answer !== undefined && answer.damaged > 0 && !isFirst && (
        <p className="small soft">
          {countOf(answer.damaged, "item")} cannot be shown: the shop's index has them damaged.
        </p>
      )}
      {failure && <FailureNotice failure={failure} failures={failures} onRetry={onRetry} />}
      {answer && hasMore && !isFirst && failure === undefined && (
        <p className="more">
          <button type="button" className="button" onClick={search.more} disabled={loading === "more"}>
            {loading === "more" ? "Loading…" : "Show more"}
          </button>
          <span className="small soft">
            {formatCount(count)} of {formatCount(answer.fitting)}
          </span>
        </p>
      )}
    </section>
  );
}

function countText(answer: SearchResponse | undefined, isRanked: boolean): string {
  if (answer === undefined) return "No items to show";
  const { items, fitting } = answer;
  if (items.length === 0) return "Nothing found";
  if (!isRanked) return countOf(fitting, "item");
  return `The closest ${formatCount(items.length)} of ${countOf(fitting, "item")}`;
}

/** What the scores are: cosines, or the model's own where it scored some of the items one by one. */
function matchText(scoredPairs: number | undefined): string {
  if (scoredPairs === undefined) return "1 is the closest there is";
  return `the model's own score of ${countOf(scoredPairs, "item")}`;
}

function timesText({ encode, search, total }: { encode: number; search: number; total: number }): string {
  return `understanding the query ${Math.round(encode)} ms, comparing ${Math.round(search)} ms, all ${Math.round(total)} ms`;
}

const skeletonPlaces = Array.from({ length: pageSize / 2 }, (_, index) => index);

function Skeleton() {
  return (
    <ol className="grid skeleton" aria-hidden="true">
      {skeletonPlaces.map((place) => (
        <li key={place} />
      ))}
    </ol>
  );
}
