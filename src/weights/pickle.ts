/**
 * A restricted reader of Python's pickle format, protocol 2: builds lists, tuples, dictionaries, numbers and strings.
 * Nothing is imported or executed. A pickle names functions; only those that the caller gives are known, every other
 * name and every opcode outside the table below ends the reading.
 * Source: the comments in CPython's Lib/pickletools.py.
 */
import { WeightsError } from "../errors.js";

/** A Python tuple; lists are arrays, dictionaries are maps. */
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}

/** A function or class that the pickle names. */
export class Global {
  constructor(
    readonly name: string,
    /** What a call gives; undefined for what is only named, such as the type of a storage. */
    readonly call: ((args: readonly unknown[]) => unknown) | undefined,
  ) {}
}

export interface PickleOptions {
  /** What to call the file in errors. */
  readonly where: string;
  /** Everything that may be named, by `module.name`; undefined refuses. */
  readonly findGlobal: (name: string) => Global | undefined;
  /** What stands outside the pickle, from its id; absent: such ids are refused. */
  readonly loadPersistent?: (id: unknown) => unknown;
}

/**
 * Opcodes and elements copied; a ResNet-101 takes 30,000. Bounds time, and memory to some 200 MB, whatever the bytes are.
 */
const maxOperations = 1_000_000;
const maxStack = 100_000;
const stackMark = Symbol("mark");

/**
 * The value of the pickle that starts at `start`, and where it ends.
 * @throws WeightsError naming the opcode or the global that is refused, or what is damaged.
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  options: PickleOptions,
): { readonly value: unknown; readonly end: number } {
  const machine = new Machine(bytes, start, options);
  for (;;) {
    const at = machine.position;
    const opcode = machine.byte();
    machine.spend(1);
    if (opcode === stopOpcode) return { value: machine.pop(), end: machine.position };
    const operation = operations[opcode];
    if (!operation) {
      const shown = opcode > 32 && opcode < 127 ? ` ("${String.fromCharCode(opcode)}")` : "";
      return machine.fail(
        `opcode 0x${opcode.toString(16).padStart(2, "0")}${shown} at byte ${at} is not one that tensors need`,
      );
    }
    operation(machine);
  }
}

class Machine {
  position: number;
  readonly options: PickleOptions;
  readonly memo = new Map<number, unknown>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: unknown[] = [];
  #operationsLeft = maxOperations;

  constructor(bytes: Uint8Array, start: number, options: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.options = options;
  }

  fail(reason: string): never {
    throw new WeightsError(
      `${this.options.where}: refused, ${reason}; nothing in it was executed; use a file of tensors only, such as torch.save(model.state_dict())`,
    );
  }

  spend(operations: number): void {
    this.#operationsLeft -= operations;
    if (this.#operationsLeft < 0) this.fail(`its pickle takes more than ${maxOperations} operations`);
  }

  take(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.#bytes.length) {
      throw new WeightsError(
        `${this.options.where}: its pickle is cut short or damaged; got an end at byte ${this.#bytes.length}, needs ${end}; copy or download it again`,
      );
    }
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  uint16(): number {
    this.take(2);
    return this.#view.getUint16(this.position - 2, true);
  }

  int32(): number {
    this.take(4);
    return this.#view.getInt32(this.position - 4, true);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  float64(): number {
    this.take(8);
    return this.#view.getFloat64(this.position - 8, false);
  }

  /** Up to the next line break, which is passed over. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0 || end - this.position > 1000) this.fail("a name in its pickle does not end");
    const text = this.text(end - this.position);
    this.position += 1;
    return text;
  }

  text(length: number): string {
    const bytes = this.take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return Buffer.from(bytes).toString("latin1"); // Python 2's strings
    }
  }

  /** Little-endian two's complement of any length to 255. */
  long(): number | bigint {
    const bytes = this.take(this.byte());
    let value = 0n;
    for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
    value = BigInt.asIntN(bytes.length * 8, value);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  push(value: unknown): void {
    if (this.#stack.length >= maxStack) this.fail(`its pickle stacks more than ${maxStack} values`);
    this.#stack.push(value);
  }

  pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  top(): unknown {
    const value = this.#stack.at(-1);
    if (this.#stack.length === 0 || value === stackMark)
      this.fail("its pickle takes a value that is not there");
    return value;
  }

  /** What lies above the last mark, which goes too. */
  popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(stackMark);
    if (mark < 0) this.fail("its pickle takes a mark that is not there");
    const items = this.#stack.splice(mark);
    this.spend(items.length);
    return items.slice(1);
  }

  popTuple(count: number): Tuple {
    const items = Array.from({ length: count }, () => this.pop());
    return new Tuple(items.reverse());
  }
}

const stopOpcode = 0x2e;

/** Every opcode that torch writes, by its code. */
const operations: Readonly<Record<number, (machine: Machine) => void>> = {
  128: (m) => {
    const protocol = m.byte();
    if (protocol > 2) m.fail(`it is pickle protocol ${protocol}, torch.save writes 2`);
  },
  40: (m) => m.push(stackMark),
  48: (m) => void m.pop(),
  // None, True, False
  78: (m) => m.push(null),
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  // BININT, BININT1, BININT2, LONG1, BINFLOAT
  74: (m) => m.push(m.int32()),
  75: (m) => m.push(m.byte()),
  77: (m) => m.push(m.uint16()),
  138: (m) => m.push(m.long()),
  71: (m) => m.push(m.float64()),
  // BINUNICODE, and Python 2's BINSTRING and SHORT_BINSTRING
  88: (m) => m.push(m.text(m.uint32())),
  84: (m) => m.push(m.text(m.uint32())),
  85: (m) => m.push(m.text(m.byte())),
  // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
  41: (m) => m.push(new Tuple([])),
  133: (m) => m.push(m.popTuple(1)),
  134: (m) => m.push(m.popTuple(2)),
  135: (m) => m.push(m.popTuple(3)),
  116: (m) => m.push(new Tuple(m.popToMark())),
  // EMPTY_LIST, APPEND, APPENDS
  93: (m) => m.push([]),
  97: (m) => append(m, [m.pop()]),
  101: (m) => append(m, m.popToMark()),
  // EMPTY_DICT, SETITEM, SETITEMS
  125: (m) => m.push(new Map()),
  115: (m) => setItems(m, m.popTuple(2).items),
  117: (m) => setItems(m, m.popToMark()),
  // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
  113: (m) => void m.memo.set(m.byte(), m.top()),
  114: (m) => void m.memo.set(m.uint32(), m.top()),
  104: (m) => recall(m, m.byte()),
  106: (m) => recall(m, m.uint32()),
  99: (m) => {
    const name = `${m.line()}.${m.line()}`;
    m.push(m.options.findGlobal(name) ?? m.fail(`it names ${name}, which is no part of a tensor`));
  },
  // REDUCE: calls a function of the caller's
  82: (m) => {
    const args = m.pop();
    const callee = m.pop();
    if (!(callee instanceof Global) || !callee.call || !(args instanceof Tuple)) {
      return m.fail(
        `it calls ${callee instanceof Global ? callee.name : "something that is not a function"}, which cannot be called`,
      );
    }
    for (const arg of args.items) if (Array.isArray(arg)) m.spend(arg.length);
    m.push(callee.call(args.items));
  },
  // BUILD: attributes of an object, such as a state dict's versions; thrown away
  98: (m) => {
    m.pop();
    const target = m.top();
    if (typeof target !== "object" || target === null || Array.isArray(target) || target instanceof Tuple) {
      m.fail("it sets attributes of something that has none");
    }
  },
  // BINPERSID
  81: (m) => {
    const load = m.options.loadPersistent ?? (() => m.fail("it refers to data outside of it"));
    m.push(load(m.pop()));
  },
};

function append(m: Machine, items: readonly unknown[]): void {
  const list = m.top();
  if (!Array.isArray(list)) m.fail("it appends to something that is not a list");
  for (const item of items) list.push(item);
}

/** Keys and values in turn. */
function setItems(m: Machine, items: readonly unknown[]): void {
  const dictionary = m.top();
  if (!(dictionary instanceof Map) || items.length % 2 !== 0) m.fail("it sets items of something without");
  for (let i = 0; i < items.length; i += 2) dictionary.set(items[i], items[i + 1]);
}

function recall(m: Machine, index: number): void {
  if (!m.memo.has(index)) m.fail(`its pickle recalls value ${index}, which it did not keep`);
  m.push(m.memo.get(index));
}
