/** How well an item fits the query: a bar and the score behind it. */

export const matchMeaning =
  "How close the item is to your picture and words (a cosine, where 1 is the closest there is and 0 is unrelated, or the model's own score). It orders the items; it is not a percentage.";

export function Match({ score }: { readonly score: number }) {
  const share = Math.max(0, Math.min(1, score));
  return (
    <span className="match" title={matchMeaning}>
      <svg className="match-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect className="match-all" width="100" height="10" rx="5" />
        <rect className="match-part" width={share * 100} height="10" rx="5" />
      </svg>
      <span>
        <span className="visually-hidden">match </span>
        {score.toFixed(2)}
      </span>
    </span>
  );
}
