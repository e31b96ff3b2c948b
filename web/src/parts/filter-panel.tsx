/** Filters: category, price and every attribute, with how many items of the catalogue have each value. */
import { useId, useState } from "react";
import type { CatalogueInfo } from "../../../src/service/api.js";
import { type Filters, toggleAttribute, toggleCategory } from "../state/search-state.js";
import { formatCount, readable } from "../words.js";
import { PriceFilter } from "./price-filter.js";

type Contents = CatalogueInfo["contents"];
type Counted = Contents["categories"][number];

/** Values shown before "show all". */
const shortList = 8;
/** Attributes that are open at first. */
const openAtFirst = 3;

interface FilterPanelProps {
  readonly contents: Contents;
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

export function FilterPanel({ contents, filters, onFilters }: FilterPanelProps) {
  const { categories, price, attributes } = contents;
  return (
    <>
      {categories.length > 1 && (
        <FilterGroup title="Category" isOpen>
          <Values
            values={categories}
            chosen={filters.categories}
            onToggle={(value) => onFilters(toggleCategory(filters, value))}
          />
        </FilterGroup>
      )}
      {price !== undefined && price.min < price.max && (
        <FilterGroup title="Price" isOpen>
          <PriceFilter bounds={price} filters={filters} onFilters={onFilters} />
        </FilterGroup>
      )}
      {attributes
        .filter(({ values }) => values.length > 1)
        .map(({ name, values }, index) => (
          <FilterGroup
            key={name}
            title={readable(name)}
            isOpen={index < openAtFirst || filters.attributes[name] !== undefined}
          >
            <Values
              values={values}
              chosen={filters.attributes[name] ?? []}
              onToggle={(value) => onFilters(toggleAttribute(filters, name, value))}
            />
          </FilterGroup>
        ))}
    </>
  );
}

interface FilterGroupProps {
  readonly title: string;
  /** Only at first; then the shopper opens and closes. */
  readonly isOpen: boolean;
  readonly children: React.ReactNode;
}

function FilterGroup({ title, isOpen, children }: FilterGroupProps) {
  const [isOpenNow, setOpen] = useState(isOpen);
  const id = useId();
  return (
    <details
      className="filter-group"
      open={isOpenNow}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary id={id}>{title}</summary>
      <fieldset aria-labelledby={id}>{children}</fieldset>
    </details>
  );
}

interface ValuesProps {
  readonly values: readonly Counted[];
  readonly chosen: readonly string[];
  readonly onToggle: (value: string) => void;
}

function Values({ values, chosen, onToggle }: ValuesProps) {
  const [isWhole, setWhole] = useState(false);
  // What was chosen is always in sight, and so is what a link chose although the catalogue has it no more.
  const gone = chosen.filter((value) => values.every((one) => one.value !== value));
  const shown = values.filter(({ value }, index) => isWhole || index < shortList || chosen.includes(value));
  return (
    <>
      <ul className="values">
        {[...shown, ...gone.map((value) => ({ value, items: 0 }))].map(({ value, items }) => (
          <li key={value}>
            <label>
              <input type="checkbox" checked={chosen.includes(value)} onChange={() => onToggle(value)} />
              <span>{value}</span>
              <span className="count">
                <span className="visually-hidden">, </span>
                {formatCount(items)}
                <span className="visually-hidden"> items</span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      {values.length > shortList && (
        <button type="button" className="link small" onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show fewer" : `Show all ${formatCount(values.length)}`}
        </button>
      )}
    </>
  );
}
