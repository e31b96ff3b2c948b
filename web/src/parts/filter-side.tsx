/** The filters beside the items; on a phone above them, folded away. */
import { useId, useState } from "react";
import type { Filters } from "../state/search-state.js";
import type { Catalogue } from "../state/use-catalogue.js";
import { formatCount } from "../words.js";
import { FilterPanel } from "./filter-panel.js";
import { FilterIcon } from "./icons.js";

interface FilterSideProps {
  readonly catalogue: Catalogue;
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

export function FilterSide({ catalogue, filters, onFilters }: FilterSideProps) {
  const { info, failure, retry } = catalogue;
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const { categories, minPrice, maxPrice, attributes } = filters;
  const hasPrice = minPrice !== undefined || maxPrice !== undefined;
  const count = categories.length + Object.values(attributes).flat().length + (hasPrice ? 1 : 0);
  return (
    <aside className="filters" aria-label="Filters">
      <button
        type="button"
        className="button filters-toggle"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <FilterIcon />
        Filters{count > 0 && ` (${formatCount(count)})`}
      </button>
      <div id={id} className={isOpen ? "filters-body open" : "filters-body"}>
        {info && <FilterPanel contents={info.contents} filters={filters} onFilters={onFilters} />}
        {failure && (
          <p className="small soft">
            The filters could not be loaded.{" "}
            <button type="button" className="link" onClick={retry}>
              Load them
            </button>
          </p>
        )}
      </div>
    </aside>
  );
}
