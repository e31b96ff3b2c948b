// Makes a catalogue of photos in folders: the folder's name is the type, the colour is estimated from the pixels.
//   node examples/catalogue-from-photos.mjs PHOTOS > PHOTOS/catalogue.csv
// Any depth of folders; the innermost one names the type ("t-shirt/17.jpg").
import { readdirSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { stringify } from "csv-stringify/sync";
import sharp from "sharp";

const root = process.argv[2];
if (!root) {
  console.error("Usage: node examples/catalogue-from-photos.mjs PHOTOS > PHOTOS/catalogue.csv");
  process.exit(2);
}

/** Side of the small copy whose pixels are counted. */
const sidePx = 48;
/** A photo is plain when its commonest colour covers this part of the middle. */
const plainShare = 0.55;

/** The colour's name from hue in degrees, saturation and lightness from 0 to 1. */
function colourName([hue, saturation, lightness]) {
  if (lightness < 0.17) return "black";
  if (saturation < 0.16 || (saturation < 0.25 && lightness > 0.8)) {
    return lightness > 0.72 ? "white" : lightness > 0.3 ? "grey" : "black";
  }
  if (hue < 15 || hue >= 345) return lightness > 0.68 ? "pink" : "red";
  if (hue < 45) return lightness > 0.6 ? "beige" : saturation > 0.65 && lightness > 0.42 ? "orange" : "brown";
  if (hue < 70) return saturation > 0.45 ? "yellow" : lightness > 0.6 ? "beige" : "green";
  if (hue < 165) return "green";
  if (hue < 255) return lightness < 0.28 ? "navy" : "blue";
  return hue < 290 ? "purple" : "pink";
}

function hsl(red, green, blue) {
  const [r, g, b] = [red / 255, green / 255, blue / 255];
  const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
  const [lightness, range] = [(high + low) / 2, high - low];
  if (range === 0) return [0, 0, lightness];
  const saturation = range / (1 - Math.abs(2 * lightness - 1));
  const sector =
    high === r ? ((g - b) / range + 6) % 6 : high === g ? (b - r) / range + 2 : (r - g) / range + 4;
  return [60 * sector, saturation, lightness];
}

/** Commonest colour of the middle, where the garment is, and whether one colour is most of it. */
async function look(file) {
  const pixels = await sharp(file)
    .autoOrient()
    .resize(sidePx, sidePx, { fit: "fill" })
    .removeAlpha()
    .raw()
    .toBuffer();
  const counts = new Map();
  const [from, to] = [sidePx / 4, (3 * sidePx) / 4];
  for (let y = from; y < to; y += 1) {
    for (let x = from; x < to; x += 1) {
      const at = 3 * (y * sidePx + x);
      const name = colourName(hsl(pixels[at], pixels[at + 1], pixels[at + 2]));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const [[colour, count]] = [...counts].sort(([, a], [, b]) => b - a);
  return { colour, pattern: count / (to - from) ** 2 >= plainShare ? "plain" : "patterned" };
}

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter(
    (entry) =>
      entry.isFile() && [".jpg", ".jpeg", ".png", ".webp"].includes(extname(entry.name).toLowerCase()),
  )
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
const rows = [];
for (const image of files) {
  const type = basename(dirname(image));
  rows.push({
    id: `${type}-${basename(image, extname(image))}`,
    image: relative(root, image).replaceAll("\\", "/"),
    category: "clothing",
    type,
    ...(await look(image)),
  });
}
process.stdout.write(stringify(rows, { header: true }));
