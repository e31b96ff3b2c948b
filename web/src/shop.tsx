/** The shop: header, query, steps, filters and items, and how they follow from the page's address. */
import { useCallback, useRef, useState } from "react";
import { failureOf } from "./api/failure.js";
import { Composer } from "./parts/composer.js";
import { FilterChips } from "./parts/filter-chips.js";
import { FilterSide } from "./parts/filter-side.js";
import { Footer, Header, Hero } from "./parts/frame.js";
import { HowItSearched } from "./parts/how-it-searched.js";
import { Results } from "./parts/results.js";
import { Trail } from "./parts/trail.js";
import { askService } from "./picture/ask-service.js";
import { preparePicture } from "./picture/prepare-picture.js";
import { keepUpload } from "./picture/uploads.js";
import { usePictureDrop } from "./picture/use-picture-drop.js";
import { referenceName, useReference } from "./picture/use-reference.js";
import { goTo, useAddress } from "./state/page-address.js";
import {
  backTo,
  changeThis,
  type Filters,
  hasFilters,
  isEmptyStep,
  noFilters,
  type SearchState,
  type Step,
  startState,
  withStep,
} from "./state/search-state.js";
import { addressLimits } from "./state/search-url.js";
import { useCatalogue } from "./state/use-catalogue.js";
import { useSearch } from "./state/use-search.js";
import { useSlashKey } from "./state/use-slash-key.js";

export function Shop() {
  const state = useAddress();
  const search = useSearch(state, askService);
  const catalogue = useCatalogue();
  const [typed, setTyped] = useTyped(state.step);
  const [fileProblem, setFileProblem] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  useSlashKey(field);

  const go = (next: SearchState) => {
    setFileProblem(undefined);
    goTo(next);
  };
  const onChange = (id: string) => {
    go(changeThis(state, id, typed));
    toQuery(field.current);
  };
  const onFile = async (file: Blob) => {
    try {
      const key = await keepUpload(await preparePicture(file));
      go({ ...state, step: { reference: { kind: "upload", key }, text: typed.trim() }, trail: [] });
      toQuery(field.current);
    } catch (error) {
      setFileProblem(failureOf(error).message);
    }
  };
  const isDragging = usePictureDrop(onFile);
  const { retry: retrySearch } = search;
  const { retry: retryCatalogue, info } = catalogue;
  const onRetry = useCallback(() => {
    retrySearch();
    if (info === undefined) retryCatalogue();
  }, [retrySearch, retryCatalogue, info]);
  const onStartOver = () => {
    go(startState);
    window.scrollTo({ top: 0 });
  };
  const onFilters = (filters: Filters) => go({ ...state, filters });
  const answerIsFor = search.answered;

  return (
    <>
      <PageTitle step={state.step} />
      <a className="skip" href="#results">
        To the items
      </a>
      <Header items={info?.contents.items} onHome={onStartOver} />
      <main className="wrap">
        {isEmptyStep(state.step) ? <Hero /> : <h1 className="visually-hidden">Your search</h1>}
        <Composer
          step={state.step}
          typed={typed}
          onTyped={setTyped}
          onSearch={(step) => go(withStep(state, step))}
          onFile={onFile}
          onStartOver={onStartOver}
          unknownWords={answerIsFor === state ? (search.answer?.queries[0]?.unknownWords ?? []) : []}
          longestText={info?.limits.textCharacters ?? addressLimits.textCharacters}
          fieldRef={field}
        />
        {fileProblem !== undefined && (
          <p className="wrong" role="alert">
            {fileProblem}
          </p>
        )}
        <Trail trail={state.trail} step={state.step} onBackTo={(index) => go(backTo(state, index))} />
        <div className="shop">
          <FilterSide catalogue={catalogue} filters={state.filters} onFilters={onFilters} />
          <Results
            search={search}
            furthest={info?.limits.offset}
            onChange={onChange}
            onRetry={onRetry}
            onClearFilters={hasFilters(state.filters) ? () => onFilters(noFilters) : undefined}
          >
            <FilterChips filters={state.filters} onFilters={onFilters} />
            {search.answer !== undefined && answerIsFor !== undefined && (
              <HowItSearched answer={search.answer} reference={answerIsFor.step.reference} />
            )}
          </Results>
        </div>
      </main>
      <Footer model={info?.model.name} />
      {isDragging && (
        <div className="drop-here" aria-hidden="true">
          <p>Drop the picture to search with it</p>
        </div>
      )}
    </>
  );
}

/** Words in the field: the step's, until the shopper types; another step has its own again. */
function useTyped(step: Step) {
  const [typed, setTyped] = useState(step.text);
  const name = JSON.stringify(step);
  const [shownStep, setShownStep] = useState(name);
  if (shownStep !== name) {
    setShownStep(name);
    setTyped(step.text);
  }
  return [typed, setTyped] as const;
}

/** Brings the query into view. A field that takes the focus brings up a phone's keyboard, which nobody asked for. */
function toQuery(field: HTMLInputElement | null): void {
  window.scrollTo({ top: 0 });
  const hasKeyboard = window.matchMedia("(pointer: fine)").matches;
  (hasKeyboard ? field : document.getElementById("results"))?.focus({ preventScroll: true });
}

function PageTitle({ step }: { readonly step: Step }) {
  const shown = useReference(step.reference);
  const name = step.reference === undefined ? "" : referenceName(shown);
  const parts = [name, step.text].filter((part) => part !== "");
  return (
    <title>{[...(parts.length === 0 ? [] : [parts.join(", but ")]), "This one, but…"].join(" · ")}</title>
  );
}
