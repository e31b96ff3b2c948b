// What a target throws when an answer is wrong, though the project threw nothing.

export class Disagreement extends Error {
  name = "Disagreement";
}
