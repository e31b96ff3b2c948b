/** Where the names of points stand so that none lies over another or over a point. */

/** A rectangle in pixels. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A point with a name. */
export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** Where a name stands: its middle by height, and the end of it that looks at the point. */
export interface LabelPlace {
  readonly x: number;
  readonly y: number;
  readonly align: "left" | "right";
}

/** Of text at 12 px. */
const characterPx = 6.4;
const linePx = 14;
const pointPx = 7;

/**
 * Each name takes the nearest place that is free, right of its point before left of it; points from the top down. Where none
 * is free, it stands right of its point all the same.
 */
export function labelPlaces(
  points: readonly LabelledPoint[],
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): readonly LabelPlace[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    left: x - pointPx,
    top: y - pointPx,
    right: x + pointPx,
    bottom: y + pointPx,
  }));
  const places = new Map<LabelledPoint, LabelPlace>();
  for (const point of points.toSorted((a, b) => a.y - b.y)) {
    const free = candidates(point).find((place) => {
      const box = boxOf(place, point.text);
      const isInside = box.left >= 0 && box.top >= 0 && box.right <= widthPx && box.bottom <= heightPx;
      return isInside && !taken.some((other) => overlaps(box, other));
    });
    const place = free ?? { x: point.x + pointPx + 2, y: point.y, align: "left" };
    places.set(point, place);
    taken.push(boxOf(place, point.text));
  }
  return points.map((point) => places.get(point) as LabelPlace);
}

/** Nearest first. */
function candidates({ x, y }: LabelledPoint): readonly LabelPlace[] {
  const found: { readonly place: LabelPlace; readonly distance: number }[] = [];
  for (let line = -14; line <= 14; line += 1) {
    for (const aside of [0, 14, 40, 80, 130]) {
      const [dx, dy] = [pointPx + 2 + aside, (line * linePx) / 2];
      const distance = Math.hypot(dx, 1.5 * dy);
      found.push({ place: { x: x + dx, y: y + dy, align: "left" }, distance });
      found.push({ place: { x: x - dx, y: y + dy, align: "right" }, distance: distance + 1 });
    }
  }
  return found.toSorted((a, b) => a.distance - b.distance).map(({ place }) => place);
}

function boxOf({ x, y, align }: LabelPlace, text: string): Box {
  const width = text.length * characterPx;
  const left = align === "left" ? x : x - width;
  return { left, top: y - linePx / 2, right: left + width, bottom: y + linePx / 2 };
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
