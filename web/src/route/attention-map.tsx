/** Which words each place of the reference listened to: a heat map, with the words as buttons. */
import { useState } from "react";
import { ReferencePicture } from "../picture/reference-picture.js";
import type { ShownReference } from "../picture/use-reference.js";
import { formatPercent } from "../words.js";
import { type Attention, type HeatMap, heatMap } from "./attention.js";

/** With more columns a word does not fit into its region. */
const mostWordColumns = 5;
/** The picture stays visible below the strongest colour. */
const strongest = 0.8;

interface AttentionMapProps {
  readonly attention: Attention;
  readonly shown: ShownReference | undefined;
}

export function AttentionMap({ attention, shown }: AttentionMapProps) {
  const { words, rows, columns } = attention;
  const [chosen, setChosen] = useState<number>();
  const [pointed, setPointed] = useState<number | "all">();
  const word = pointed === undefined ? chosen : pointed === "all" ? undefined : pointed;
  const map = heatMap(attention, word);
  const button = (index: number | undefined, label: string) => (
    <button
      key={`${index}`}
      type="button"
      className={index === word ? "chip shown" : "chip"}
      aria-pressed={index === chosen}
      onClick={() => setChosen(index)}
      onPointerEnter={() => setPointed(index ?? "all")}
      onPointerLeave={() => setPointed(undefined)}
      onFocus={() => setPointed(index ?? "all")}
      onBlur={() => setPointed(undefined)}
    >
      {label}
    </button>
  );
  return (
    <section className="how-part heat" aria-labelledby="heat-title">
      <h3 id="heat-title">Where your words looked</h3>
      <div className="heat-picture">
        <ReferencePicture shown={shown} />
        <Cells
          map={map}
          rows={rows}
          columns={columns}
          hasWords={word === undefined && columns <= mostWordColumns}
        />
      </div>
      <fieldset className="chips" aria-label="Words to show in the picture">
        {button(undefined, "All words")}
        {words.map((text, index) => button(index, text))}
      </fieldset>
      <p className="small soft" role="status">
        {word === undefined
          ? "The word that each place listened to most; the stronger the colour, the more to this one word alone. A hint at what mattered, not a proof."
          : `“${words[word]}” has ${formatPercent(map.low)} (pale) to ${formatPercent(map.high)} (strong) of a place’s attention${whereText(map.regions, { rows, columns })}.`}
      </p>
    </section>
  );
}

/** In words, for those who do not see the map: ", most in the upper left". */
function whereText(
  regions: HeatMap["regions"],
  { rows, columns }: { rows: number; columns: number },
): string {
  const place = regions.findIndex(({ value }) => value === 1);
  if (place < 0) return "";
  const name = (position: number, count: number, names: readonly [string, string, string]) => {
    const centre = (position + 0.5) / count;
    return centre < 0.4 ? names[0] : centre > 0.6 ? names[2] : names[1];
  };
  const row = name(Math.floor(place / columns), rows, ["upper", "", "lower"]);
  const column = name(place % columns, columns, ["left", "middle", "right"]);
  return `, most in the ${`${row} ${column}`.trim()}`;
}

interface CellsProps {
  readonly map: HeatMap;
  readonly rows: number;
  readonly columns: number;
  /** Write each region's word into it. */
  readonly hasWords: boolean;
}

/** The regions as the model has them, neither finer nor smoother. */
function Cells({ map, rows, columns, hasWords }: CellsProps) {
  const gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  return (
    <div className="heat-cells" style={{ gridTemplate }} aria-hidden="true">
      {map.regions.map(({ region, value, word }) => (
        <span key={region} className="heat-cell">
          <span className="heat-colour" style={{ opacity: strongest * value }} />
          {hasWords && <span className="heat-word">{word}</span>}
        </span>
      ))}
    </div>
  );
}
