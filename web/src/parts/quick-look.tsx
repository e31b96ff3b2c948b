/** An item, large, with what the catalogue says about it. */
import { useEffect, useRef } from "react";
import { Picture } from "../picture/picture.js";
import { formatPrice, readable } from "../words.js";
import { ChangeIcon, CrossIcon } from "./icons.js";
import type { Hit } from "./item-card.js";
import { Match } from "./match.js";

interface QuickLookProps {
  readonly hit: Hit;
  readonly onChange: (id: string) => void;
  readonly onClose: () => void;
}

export function QuickLook({ hit, onChange, onClose }: QuickLookProps) {
  const { item, score } = hit;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} className="look" aria-labelledby="look-title" onClose={onClose} closedby="any">
      <div className="look-picture">
        <Picture url={item.pictureUrl} alt={item.title ?? item.id} />
      </div>
      <div className="look-words">
        <h2 id="look-title">{item.title ?? item.id}</h2>
        <p className="item-facts">
          {item.price !== undefined && <strong className="price-tag">{formatPrice(item.price)}</strong>}
          {score !== null && <Match score={score} />}
        </p>
        <dl className="facts">
          <Fact name="Category" value={item.category} />
          {Object.entries(item.attributes).map(([name, values]) => (
            <Fact key={name} name={readable(name)} value={values.join(", ")} />
          ))}
          <Fact name="Number" value={item.id} />
        </dl>
        <button
          type="button"
          className="button primary"
          onClick={() => {
            close();
            onChange(item.id);
          }}
        >
          <ChangeIcon />
          Change this one
        </button>
      </div>
      <button type="button" className="round look-close" onClick={close}>
        <CrossIcon />
        <span className="visually-hidden">Close</span>
      </button>
    </dialog>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
