/** The picture that the query starts from. */
import { ReferencePicture } from "../picture/reference-picture.js";
import type { ShownReference } from "../picture/use-reference.js";
import { CrossIcon } from "./icons.js";

interface ReferenceTileProps {
  /** undefined while it is looked up. */
  readonly shown: ShownReference | undefined;
  readonly onRemove: () => void;
  readonly onReplace: () => void;
}

export function ReferenceTile({ shown, onRemove, onReplace }: ReferenceTileProps) {
  return (
    <figure className="reference">
      <button type="button" className="reference-picture" onClick={onReplace} title="Choose another picture">
        <ReferencePicture shown={shown} />
        <span className="visually-hidden">Choose another picture</span>
      </button>
      <button type="button" className="round remove" onClick={onRemove} title="Search without the picture">
        <CrossIcon />
        <span className="visually-hidden">Search without the picture</span>
      </button>
    </figure>
  );
}
