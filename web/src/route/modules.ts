/** The operation modules in words for people who never read the paper; what they do is in docs/model.md. */

export interface ModuleWords {
  /** The paper's short name. */
  readonly name: string;
  /** What it does, in two or three words. */
  readonly title: string;
  /** "It mostly …" */
  readonly did: string;
  readonly meaning: string;
}

const known: Readonly<Record<string, Omit<ModuleWords, "name">>> = {
  jrm: {
    title: "Think it over",
    did: "thought over picture and sentence together",
    meaning:
      "Takes every part of the picture with the whole sentence and works out a new one from all of them.",
  },
  cam: {
    title: "Match words to places",
    did: "matched words to places in the picture",
    meaning: "Lets each place in the picture listen to the words that are about it.",
  },
  gtm: {
    title: "Change the whole look",
    did: "changed the whole look at once",
    meaning: "Turns features of the whole picture up or down as the sentence asks, everywhere alike.",
  },
  rcm: {
    title: "Keep it as it is",
    did: "kept the picture as it is",
    meaning: "Hands the picture on untouched, so that what you did not mention stays.",
  },
};

/** A module that is not the paper's has its name only. */
export function moduleWords(name: string): ModuleWords {
  const short = name.toUpperCase();
  return { name: short, ...(known[name] ?? { title: short, did: `used ${short}`, meaning: "" }) };
}
