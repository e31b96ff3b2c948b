// A shop's table: every row is an item or is reported, and nothing else happens.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Disagreement } from "../disagreement.mjs";
import { mutated, noise } from "../mutate.mjs";
import { readCatalogue } from "../project.mjs";

const words = [
  '"',
  '""',
  ",",
  "\n",
  "\r\n",
  "\r",
  "\uFEFF",
  ";",
  "\t",
  "sep=,\n",
  "|",
  "__proto__",
  "constructor",
  "id",
  "image",
  "category",
  "price",
  "1,299.00",
  "1e999",
  "-0",
  "\0",
  "\u001b[31m",
  "\uFFFD",
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xed, 0xa0, 0xbd]),
  "e\u0301",
  "../../x",
  "{}",
  "[",
  "null",
  '{"a":[[[[',
  "9007199254740993",
  "\\ud83d",
];

const tables = [
  'id,image,category,title,price,colour\nA1,a.jpg,dress,A dress,49.99,red|blue\nA2,b.jpg,shirt,,,green\nA3,c.jpg,dress,"5"" heel, \nwedge",10,\n',
  "\uFEFFid,image,category\r\n1,1.png,dress\r\n2,2.png,dress\r\n",
  "id,image,category,__proto__\nA,a.jpg,dress,x\n",
];
const lines = [
  '{"id":"A1","image":"a.jpg","category":"dress","price":49.99,"colour":["red","blue"],"new":true}\n{"id":2,"image":"b.jpg","category":"shirt","title":null}\n',
  '{"id":"A1","image":"a.jpg","category":"dress","nested":{"a":[1,2,{"b":null}]}}\n\n{"id":"A1"}\n',
];

export const csv = tableTarget("table.csv", tables);
export const jsonLines = tableTarget("table.jsonl", lines);

function tableTarget(name, seedTexts) {
  const seeds = seedTexts.map((text) => Buffer.from(text));
  return {
    memoryMib: 128,
    async open(scratch) {
      const file = join(scratch, name);
      return {
        make: (random) => (random.chance(0.05) ? noise(random, 300) : mutated(random, seeds, words)),
        async check(bytes) {
          writeFileSync(file, bytes);
          const rows = new Set();
          const onWrongRow = ({ row, isRefused, problems }) => {
            if (problems.length === 0) throw new Disagreement(`row ${row} is wrong without a problem`);
            if (isRefused) rows.add(row);
          };
          const ids = new Set();
          for await (const { id, row } of readCatalogue(file, { onWrongRow })) {
            if (id === "" || ids.has(id))
              throw new Disagreement(`id ${JSON.stringify(id)} is empty or there twice`);
            if (rows.has(row)) throw new Disagreement(`row ${row} was given twice`);
            ids.add(id);
            rows.add(row);
          }
        },
        async close() {},
      };
    },
  };
}
