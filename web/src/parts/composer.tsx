/** The query: a picture, words, or both. */
import { type RefObject, useId, useRef } from "react";
import { acceptedTypes } from "../picture/prepare-picture.js";
import { referenceName, type ShownReference, useReference } from "../picture/use-reference.js";
import { changesFor, withPhrase } from "../state/phrases.js";
import { isEmptyStep, type Step } from "../state/search-state.js";
import { useSuggestions } from "../state/use-suggestions.js";
import { PictureIcon, SearchIcon } from "./icons.js";
import { PhraseField } from "./phrase-field.js";
import { ReferenceTile } from "./reference-tile.js";
import { UnknownWords } from "./unknown-words.js";

const mostChips = 7;
/** Phrases that chips are chosen from. */
const asked = 50;

interface ComposerProps {
  readonly step: Step;
  /** Words in the field; they may be ahead of the step's. */
  readonly typed: string;
  readonly onTyped: (text: string) => void;
  readonly onSearch: (step: Step) => void;
  readonly onFile: (file: Blob) => void;
  readonly onStartOver: () => void;
  /** Words of the step that the model does not know. */
  readonly unknownWords: readonly string[];
  readonly longestText: number;
  readonly fieldRef: RefObject<HTMLInputElement | null>;
}

export function Composer(props: ComposerProps) {
  const { step, typed, onTyped, onSearch, onFile, onStartOver, unknownWords, longestText, fieldRef } = props;
  const fieldId = useId();
  const wordsId = useId();
  const chooser = useRef<HTMLInputElement>(null);
  const shown = useReference(step.reference);
  const frequent = useSuggestions({ prefix: "", limit: asked });
  const chips = changesFor(typed, frequent).slice(0, mostChips);
  const search = (text: string) => {
    onTyped(text.trim());
    onSearch({ ...step, text });
  };
  const choose = () => chooser.current?.click();
  return (
    <search aria-label="Search with a picture and words">
      <form
        className="composer card"
        onSubmit={(event) => {
          event.preventDefault();
          search(typed);
        }}
      >
        {step.reference === undefined ? (
          <button type="button" className="reference-empty" onClick={choose}>
            <PictureIcon />
            <span>
              Choose a picture
              <small>or drop or paste one</small>
            </span>
          </button>
        ) : (
          <ReferenceTile shown={shown} onRemove={() => onSearch({ text: typed })} onReplace={choose} />
        )}
        <input
          ref={chooser}
          type="file"
          accept={acceptedTypes}
          hidden
          aria-label="Picture file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file !== undefined) onFile(file);
          }}
        />
        <div className="composer-words">
          <div className="composer-label">
            <label htmlFor={fieldId}>{labelOf(step, shown)}</label>
            {shown?.kind === "item" && <span className="small soft name">{referenceName(shown)}</span>}
            {!isEmptyStep(step) && (
              <button type="button" className="link small start-over" onClick={onStartOver}>
                Start over
              </button>
            )}
          </div>
          <div className="composer-line">
            <PhraseField
              id={fieldId}
              placeholder={step.reference === undefined ? "a red dress" : "is red with long sleeves"}
              text={typed}
              longestText={longestText}
              fieldRef={fieldRef}
              onText={onTyped}
              onChoose={search}
              describedBy={unknownWords.length > 0 ? wordsId : undefined}
            />
            <button type="submit" className="button primary go">
              <SearchIcon />
              <span>Search</span>
            </button>
          </div>
          <UnknownWords id={wordsId} text={step.text} words={unknownWords} />
          {chips.length > 0 && (
            <ul className="chips" aria-label="Phrases to try">
              {chips.map((phrase) => (
                <li key={phrase}>
                  <button type="button" className="chip" onClick={() => search(withPhrase(typed, phrase))}>
                    {phrase}
                  </button>
                </li>
              ))}
            </ul>
          )}
          {shown?.kind === "upload" && (
            <p className="composer-note small soft">
              A link to this search cannot hold your own picture. It stays in this browser.
            </p>
          )}
        </div>
      </form>
    </search>
  );
}

function labelOf({ reference }: Step, shown: ShownReference | undefined): string {
  if (reference === undefined) return "What are you looking for?";
  return shown?.kind === "upload" ? "Like your picture, but…" : "This one, but…";
}
