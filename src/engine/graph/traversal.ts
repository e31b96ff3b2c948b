/** Walks over graphs, without recursion: unrolled and deep graphs would overflow the stack. */
import { Result, type Value } from "./value.js";

/** Every value the outputs depend on, inputs before the results that use them; each once. */
export function topologicalOrder(outputs: Iterable<Value>): Value[] {
  const order: Value[] = [];
  const isDone = new Set<Value>();
  for (const output of outputs) {
    const stack: { value: Value; inputs: Iterator<Value> }[] = [];
    const visit = (value: Value): void => {
      if (isDone.has(value)) return;
      isDone.add(value);
      stack.push({ value, inputs: value instanceof Result ? value.inputs.values() : [].values() });
    };
    visit(output);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.inputs.next();
      if (next.done) {
        order.push(top.value);
        stack.pop();
      } else {
        visit(next.value);
      }
    }
  }
  return order;
}
