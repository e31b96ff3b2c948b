/** One item in the grid. */
import type { SearchResponse } from "../../../src/service/api.js";
import { Picture } from "../picture/picture.js";
import { formatPrice } from "../words.js";
import { ChangeIcon } from "./icons.js";
import { Match } from "./match.js";

export type Hit = SearchResponse["items"][number];

interface ItemCardProps {
  readonly hit: Hit;
  readonly onLook: (hit: Hit) => void;
  readonly onChange: (id: string) => void;
}

export function ItemCard({ hit, onLook, onChange }: ItemCardProps) {
  const { item, rank, score } = hit;
  const title = item.title ?? item.id;
  return (
    <article className="item">
      <div className="item-picture">
        <button type="button" className="item-look" onClick={() => onLook(hit)}>
          {/* Pictures in the first rows are wanted at once. */}
          <Picture url={item.thumbnailUrl} alt={title} isLazy={rank > 12} />
          <span className="visually-hidden">, look closer</span>
        </button>
        <button
          type="button"
          className="button change"
          data-change
          onClick={() => onChange(item.id)}
          aria-label={`Change this one: ${title}`}
        >
          <ChangeIcon />
          Change this one
        </button>
      </div>
      <h3>{title}</h3>
      <p className="item-facts">
        {item.price !== undefined && <strong className="price-tag">{formatPrice(item.price)}</strong>}
        {score !== null && <Match score={score} />}
      </p>
    </article>
  );
}
