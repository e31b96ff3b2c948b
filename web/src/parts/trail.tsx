/** The steps that led to the search at hand; each leads back. */
import { useEffect, useRef } from "react";
import { ReferencePicture } from "../picture/reference-picture.js";
import { referenceName, useReference } from "../picture/use-reference.js";
import type { Step } from "../state/search-state.js";
import { ArrowIcon, TextIcon } from "./icons.js";

interface TrailProps {
  readonly trail: readonly Step[];
  readonly step: Step;
  readonly onBackTo: (index: number) => void;
}

export function Trail({ trail, step, onBackTo }: TrailProps) {
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (trail.length > 0) end.current?.scrollIntoView({ block: "nearest", inline: "end" });
  }, [trail.length]);
  if (trail.length === 0) return null;
  const places = trail.map((earlier, index) => ({ earlier, index }));
  return (
    <nav className="trail" aria-label="Your steps">
      <ol>
        {places.map(({ earlier, index }) => (
          <li key={index}>
            <button type="button" className="trail-step" onClick={() => onBackTo(index)}>
              <span className="visually-hidden">Back to step {index + 1}: </span>
              <StepFace step={earlier} />
            </button>
            <ArrowIcon />
          </li>
        ))}
        <li ref={end}>
          <span className="trail-step current" aria-current="step">
            <StepFace step={step} />
          </span>
        </li>
      </ol>
    </nav>
  );
}

function StepFace({ step: { reference, text } }: { readonly step: Step }) {
  const shown = useReference(reference);
  return (
    <>
      <span className="trail-picture">
        {reference === undefined ? <TextIcon /> : <ReferencePicture shown={shown} />}
      </span>
      <span className="trail-words">{text === "" ? <i>like {referenceName(shown)}</i> : text}</span>
    </>
  );
}
