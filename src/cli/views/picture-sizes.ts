/** Longer sides of the pictures on pages, for screens with two pixels to a point. */

/** A picture among a query's answers in reports. */
export const answerPicturePx = 200;

/** A picture of a sampled triplet. */
export const samplePicturePx = 240;

/** A picture on a search's page. */
export const searchPicturePx = 320;
