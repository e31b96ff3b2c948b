/** The items of an answer, in order; arrow keys walk over the grid. */
import { type KeyboardEvent, useState } from "react";
import type { SearchResponse } from "../../../src/service/api.js";
import { type Hit, ItemCard } from "./item-card.js";
import { QuickLook } from "./quick-look.js";

interface ItemGridProps {
  readonly answer: SearchResponse;
  /** Items of an older search, still shown while the newer one is under way. */
  readonly isStale: boolean;
  readonly onChange: (id: string) => void;
}

export function ItemGrid({ answer, isStale, onChange }: ItemGridProps) {
  const [looked, setLooked] = useState<Hit>();
  return (
    <>
      <ol className={isStale ? "grid stale" : "grid"} aria-busy={isStale} onKeyDown={walk}>
        {answer.items.map((hit) => (
          <li key={hit.item.id}>
            <ItemCard hit={hit} onLook={setLooked} onChange={onChange} />
          </li>
        ))}
      </ol>
      {looked !== undefined && (
        <QuickLook hit={looked} onChange={onChange} onClose={() => setLooked(undefined)} />
      )}
    </>
  );
}

/** From a button of one item to the same button of the item beside, above or below it. */
function walk(event: KeyboardEvent<HTMLOListElement>): void {
  const button = event.target;
  if (!(button instanceof HTMLButtonElement)) return;
  const selector = button.matches("[data-change]") ? "[data-change]" : ".item-look";
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>(selector)];
  const tops = buttons.map((one) => Math.round(one.getBoundingClientRect().top));
  const columns = Math.max(1, tops.filter((top) => top === tops[0]).length);
  const steps: Partial<Record<string, number>> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: columns,
    ArrowUp: -columns,
  };
  const next = buttons[buttons.indexOf(button) + (steps[event.key] ?? 0)];
  if (steps[event.key] === undefined || next === undefined) return;
  event.preventDefault();
  next.focus();
}
