/** The field for words, with phrases that complete what is typed (an ARIA combobox). */
import { type KeyboardEvent, type RefObject, useState } from "react";
import { splitPhrase } from "../state/phrases.js";
import { useSuggestions } from "../state/use-suggestions.js";

const mostCompletions = 7;

interface PhraseFieldProps {
  /** For its label. */
  readonly id: string;
  readonly placeholder: string;
  readonly text: string;
  readonly longestText: number;
  readonly fieldRef: RefObject<HTMLInputElement | null>;
  readonly onText: (text: string) => void;
  /** A completion was chosen: search for this text. */
  readonly onChoose: (text: string) => void;
  /** Id of what says more about the words. */
  readonly describedBy: string | undefined;
}

export function PhraseField(props: PhraseFieldProps) {
  const { id, placeholder, text, longestText, fieldRef, onText, onChoose, describedBy } = props;
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const { before, phrase } = splitPhrase(text);
  const isWanted = isOpen && phrase.trim() !== "";
  const found = useSuggestions({ prefix: phrase.trim(), limit: mostCompletions, isWanted });
  const completions = isWanted ? found.filter((completion) => completion !== phrase.trim()) : [];
  const hasList = completions.length > 0;

  const choose = (completion: string) => {
    setOpen(false);
    setActive(-1);
    onChoose(before + completion);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      // One place more than there are completions: the field itself.
      const places = completions.length + 1;
      setActive(((active + 1 + step + places) % places) - 1);
    } else if (event.key === "Escape" && hasList) {
      event.preventDefault();
      setOpen(false);
      setActive(-1);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      const completion = completions[active];
      if (completion !== undefined) {
        event.preventDefault();
        choose(completion);
      }
      setOpen(false);
    }
  };

  return (
    <div className="phrase">
      <input
        id={id}
        ref={fieldRef}
        type="text"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={hasList}
        aria-controls={`${id}-list`}
        aria-activedescendant={hasList && active >= 0 ? `${id}-${active}` : undefined}
        aria-describedby={describedBy}
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck
        enterKeyHint="search"
        maxLength={longestText}
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Phrases that complete your words"
        className="completions"
        hidden={!hasList}
      >
        {completions.map((completion, index) => (
          // The field keeps the focus and has the keyboard; the pointer chooses before the field loses it.
          <div
            key={completion}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onPointerDown={(event) => {
              event.preventDefault();
              choose(completion);
            }}
          >
            <span className="soft">{before}</span>
            {completion}
          </div>
        ))}
      </div>
    </div>
  );
}
