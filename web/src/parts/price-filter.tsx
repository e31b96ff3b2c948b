/** The price range: two numbers that count once they are complete. */
import { useId, useState } from "react";
import type { Filters } from "../state/search-state.js";

interface PriceFilterProps {
  /** What the catalogue has. */
  readonly bounds: { readonly min: number; readonly max: number };
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

export function PriceFilter({ bounds, filters, onFilters }: PriceFilterProps) {
  const id = useId();
  const [min, setMin] = useState(textOf(filters.minPrice));
  const [max, setMax] = useState(textOf(filters.maxPrice));
  const isCrossed = (numberOf(min) ?? bounds.min) > (numberOf(max) ?? bounds.max);
  const apply = () => {
    const [minPrice, maxPrice] = [numberOf(min), numberOf(max)];
    if (!isCrossed && (minPrice !== filters.minPrice || maxPrice !== filters.maxPrice)) {
      onFilters({ ...filters, minPrice, maxPrice });
    }
  };
  const field = (name: string, value: string, set: (text: string) => void, placeholder: number) => (
    <label className="price-field">
      <span>{name}</span>
      <input
        type="number"
        min="0"
        step="any"
        inputMode="decimal"
        value={value}
        placeholder={String(placeholder)}
        aria-invalid={isCrossed}
        aria-describedby={isCrossed ? id : undefined}
        onChange={(event) => set(event.target.value)}
        onBlur={apply}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply();
        }}
      />
    </label>
  );
  return (
    <div className="price">
      {field("From", min, setMin, Math.floor(bounds.min))}
      {field("to", max, setMax, Math.ceil(bounds.max))}
      {isCrossed && (
        <p id={id} className="small wrong" role="alert">
          The first price is above the second.
        </p>
      )}
    </div>
  );
}

function textOf(price: number | undefined): string {
  return price === undefined ? "" : String(price);
}

function numberOf(text: string): number | undefined {
  const price = Number(text);
  return text.trim() === "" || !Number.isFinite(price) ? undefined : price;
}
