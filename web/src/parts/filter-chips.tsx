/** The filters that are on, each with a cross. */
import {
  type Filters,
  hasFilters,
  noFilters,
  toggleAttribute,
  toggleCategory,
} from "../state/search-state.js";
import { priceRange, readable } from "../words.js";
import { CrossIcon } from "./icons.js";

interface FilterChipsProps {
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

export function FilterChips({ filters, onFilters }: FilterChipsProps) {
  if (!hasFilters(filters)) return null;
  const { categories, minPrice, maxPrice, attributes } = filters;
  const chips = [
    ...categories.map((value) => ({ name: "Category", value, without: toggleCategory(filters, value) })),
    ...(minPrice === undefined && maxPrice === undefined
      ? []
      : [
          {
            name: "Price",
            value: priceRange(minPrice, maxPrice),
            without: { ...filters, minPrice: undefined, maxPrice: undefined },
          },
        ]),
    ...Object.entries(attributes).flatMap(([name, values]) =>
      values.map((value) => ({
        name: readable(name),
        value,
        without: toggleAttribute(filters, name, value),
      })),
    ),
  ];
  return (
    <ul className="chips on" aria-label="Filters that are on">
      {chips.map(({ name, value, without }) => (
        <li key={`${name} ${value}`}>
          <button type="button" className="chip" onClick={() => onFilters(without)}>
            <span className="visually-hidden">Remove filter </span>
            <span className="soft">{name}</span> {value}
            <CrossIcon />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="link small" onClick={() => onFilters(noFilters)}>
          Clear filters
        </button>
      </li>
    </ul>
  );
}
