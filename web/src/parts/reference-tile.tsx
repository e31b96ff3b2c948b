/** The picture that the query starts from. */
import { Picture } from "../picture/picture.js";
import { referenceName, type ShownReference } from "../picture/use-reference.js";
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

/** A reference as a small picture, here and in the trail. */
export function ReferencePicture({ shown }: { readonly shown: ShownReference | undefined }) {
  const alt = `Reference: ${referenceName(shown)}`;
  if (shown === undefined) return <span className="picture-wait" />;
  if (shown.kind === "item") return <Picture url={shown.item.thumbnailUrl} alt={alt} />;
  if (shown.kind === "upload") return <img src={shown.url} alt={alt} draggable={false} />;
  return <span className="picture-missing">picture is gone</span>;
}
