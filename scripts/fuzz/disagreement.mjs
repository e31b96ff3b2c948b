// The error of a target whose answer is wrong, though the project threw nothing.

export class Disagreement extends Error {
  name = "Disagreement";
}
