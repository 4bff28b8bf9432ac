// The text axis: the pieces of the prompt, then those of the answer, cut into words or tokens.

/** @import {Payload, TurnData} from "./payload.d.ts" */
/** @import {ExplainedPiece, Part, Piece, Segmentation} from "./types.d.ts" */

/**
 * @param {Piece | undefined} piece
 * @returns {piece is ExplainedPiece}
 */
export const isExplained = (piece) => Boolean(piece?.unit);

export class TextAxis {
  /** @param {Payload} payload */
  constructor(payload) {
    this.payload = payload;
    const whole = { role: "user", start: 0, end: Array.from(payload.prompt).length };
    /** Whose words the prompt's are. */
    this.turns = payload.turns.length ? payload.turns : [whole];
    this.isChat = this.turns.length > 1 || this.turns[0].role !== "user";
    /** @type {Segmentation} */
    this.segmentation = "words";
    /** @type {Piece[]} */
    this.pieces = [];
    this.segment("words");
  }

  /**
   * Cut the text anew.
   * @param {Segmentation} segmentation
   */
  segment(segmentation) {
    this.segmentation = segmentation;
    const { prompt, prompt_units: promptUnits, answer } = this.payload[segmentation];
    const drawn = { node: null, tile: null };
    this.pieces = [
      ...prompt.map(({ text, start, end, unit, special }, index) => ({
        part: /** @type {Part} */ ("prompt"),
        index,
        text,
        start,
        end,
        special: special ?? false,
        thinking: false,
        ...drawn,
        unit: unit === null ? null : promptUnits[unit],
      })),
      ...answer.map((unit, index) => ({
        part: /** @type {Part} */ ("answer"),
        index,
        text: unit.text,
        start: unit.start,
        end: unit.end,
        special: unit.special ?? false,
        thinking: unit.start < this.thinkingEnd,
        ...drawn,
        unit,
      })),
    ];
  }

  /** Where the answer's thinking block ends, in characters; 0 where it has none. */
  get thinkingEnd() {
    return this.payload.thinking?.[1] ?? 0;
  }

  /** Whether something of the answer follows its thinking block, or there is none. */
  get hasFinalAnswer() {
    return this.pieces.some(({ part, thinking }) => part === "answer" && !thinking);
  }

  /** What a piece is called: word or token. */
  get kind() {
    return this.segmentation === "words" ? "word" : "token";
  }

  /**
   * A piece that can be looked at: the prompt's pieces only where the prompt was explained.
   * @param {number} at
   * @returns {ExplainedPiece}
   */
  explained(at) {
    const piece = this.pieces[at];
    if (!isExplained(piece))
      throw new Error(`Expected an explained piece of text, got number ${at}.`);
    return piece;
  }

  /** @param {number} at */
  unit(at) {
    return this.explained(at).unit;
  }

  /** @param {number} at */
  isExplained(at) {
    return isExplained(this.pieces[at]);
  }

  /**
   * The places of the prompt's pieces, or of the answer's.
   * @param {Part} part
   */
  placesOf(part) {
    return this.pieces.flatMap((piece, at) => (piece.part === part ? [at] : []));
  }

  /**
   * Those of them that can be looked at.
   * @param {Part} part
   */
  explainedPlacesOf(part) {
    return this.placesOf(part).filter((at) => this.isExplained(at));
  }

  /** Where to start: at the word that the payload names; -1 where nothing is explained. */
  firstPlace() {
    const { first, words } = this.payload;
    const index = this.segmentation === "words" ? first : words.answer[first]?.tokens[0];
    const place = this.pieces.findIndex((one) => one.part === "answer" && one.index === index);
    return place < 0 ? this.pieces.findIndex((piece) => piece.unit) : place;
  }

  /**
   * The turn of the prompt that holds a piece.
   * @param {Piece} piece
   * @returns {TurnData}
   */
  turnOf(piece) {
    return this.turns.find((turn) => turn.end > piece.start) ?? this.turns[this.turns.length - 1];
  }

  /**
   * Who wrote a piece of the prompt, in words.
   * @param {Piece} piece
   */
  speaker(piece) {
    const { role } = this.turnOf(piece);
    if (role === "user") return `the asker’s ${this.kind}`;
    if (role === "assistant") return `a ${this.kind} of an earlier answer`;
    return `a ${this.kind} of the system’s`;
  }

  /**
   * What a piece of the answer is contrasted with, or null.
   * @param {Piece} piece
   */
  foil({ part, index }) {
    if (part !== "answer") return null;
    const { contrasts, words } = this.payload;
    const isToken = this.segmentation === "tokens";
    const found = contrasts.find(({ word }) =>
      isToken ? words.answer[word].tokens.includes(index) : word === index,
    );
    return found?.alternative ?? null;
  }
}
