/** The price range: two numbers that count once the shopper is done with them. */
import { type FocusEvent, useId, useState } from "react";
import type { Filters } from "../state/search-state.js";

interface PriceFilterProps {
  /** What the catalogue has. */
  readonly bounds: { readonly min: number; readonly max: number };
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

export function PriceFilter({ bounds, filters, onFilters }: PriceFilterProps) {
  const id = useId();
  const { minPrice, maxPrice } = filters;
  const [texts, setTexts] = useState({ min: textOf(minPrice), max: textOf(maxPrice) });
  const [isCrossed, setCrossed] = useState(false);
  const [shown, setShown] = useState(filters);
  if (shown.minPrice !== minPrice || shown.maxPrice !== maxPrice) {
    setShown(filters);
    setTexts({ min: textOf(minPrice), max: textOf(maxPrice) });
    setCrossed(false);
  }
  const apply = () => {
    const [min, max] = [numberOf(texts.min), numberOf(texts.max)];
    const isWrong = min !== undefined && max !== undefined && min > max;
    setCrossed(isWrong);
    if (!isWrong && (min !== minPrice || max !== maxPrice)) {
      onFilters({ ...filters, minPrice: min, maxPrice: max });
    }
  };
  const onBlur = ({ currentTarget, relatedTarget }: FocusEvent<HTMLInputElement>) => {
    // From one field to the other, the range is not complete yet.
    if (!currentTarget.closest(".price")?.contains(relatedTarget)) apply();
  };
  const field = (name: string, end: "min" | "max", placeholder: number) => (
    <label className="price-field">
      <span>{name}</span>
      <input
        type="number"
        min="0"
        step="any"
        inputMode="decimal"
        value={texts[end]}
        placeholder={String(placeholder)}
        aria-invalid={isCrossed}
        aria-describedby={isCrossed ? id : undefined}
        onChange={(event) => setTexts({ ...texts, [end]: event.target.value })}
        onBlur={onBlur}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply();
        }}
      />
    </label>
  );
  return (
    <div className="price">
      {field("From", "min", Math.floor(bounds.min))}
      {field("to", "max", Math.ceil(bounds.max))}
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
