// What the model was shown: pictures and the steps of clips, and what they are called.

/** @import {PictureData} from "./payload.d.ts" */

/** @typedef {{clip: boolean, views: number[], name: string}} Medium a picture, or a clip */

export class Views {
  /** @param {PictureData[]} pictures */
  constructor(pictures) {
    this.all = pictures;
    this.several = pictures.length > 1;
    /** Views that are pictures of their own. */
    this.stills = pictures.flatMap((view, i) => (view.clip ? [] : [i]));
    this.media = mediaOf(pictures);
    this.clips = this.media.filter((medium) => medium.clip);
    this.subject = subjectOf(this.clips.length, this.stills.length);
  }

  /**
   * A view's name in a sentence, where a time alone would say too little.
   * @param {number} view
   */
  nameInText(view) {
    const { clip, name } = this.all[view];
    return clip && this.media.length === 1 ? `step at ${name}` : name;
  }

  /**
   * A view's name beside others of its own picture or clip.
   * @param {number} view
   */
  shortName(view) {
    return this.all[view].name.replace(/^clip(?: \d+)? at /u, "");
  }

  /** @param {number} view */
  aspectRatio(view) {
    return this.all[view].width / this.all[view].height;
  }

  /**
   * Size of a canvas with a view's shape, its longer side of `side` pixels.
   * @param {number} view
   * @param {number} side
   */
  canvasSize(view, side) {
    const { width, height } = this.all[view];
    const ratio = side / Math.max(width, height);
    /** @param {number} length */
    const scaled = (length) => Math.max(1, Math.round(length * ratio));
    return { width: scaled(width), height: scaled(height) };
  }
}

/**
 * The prompt's pictures and clips in order; a clip is several views, a picture is one.
 * @param {PictureData[]} pictures
 * @returns {Medium[]}
 */
function mediaOf(pictures) {
  /** @type {Map<string, Medium>} */
  const groups = new Map();
  pictures.forEach(({ clip, medium, name }, i) => {
    const key = clip ? `clip ${medium}` : `picture ${i}`;
    const group = groups.get(key) ?? { clip, views: [], name };
    groups.set(key, { ...group, views: [...group.views, i] });
  });
  const media = [...groups.values()];
  const clips = media.filter((medium) => medium.clip);
  clips.forEach((medium, i) => {
    medium.name = clips.length === 1 ? "clip" : `clip ${i + 1}`;
  });
  return media;
}

/**
 * What all of it is called in a sentence.
 * @param {number} clips
 * @param {number} stills
 */
function subjectOf(clips, stills) {
  if (clips && stills) return { name: "what was shown" };
  return { name: `the ${clips ? "clip" : "picture"}${clips + stills > 1 ? "s" : ""}` };
}
