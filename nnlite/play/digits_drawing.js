// A drawing, prepared as the images were that a model has learned from. nnlite.images.load_digit does so with pictures;
// here the strokes are known: lists of points [x, y], from 0 to 1 of the pad's side.

const PEN = 0.09; // of the pad's side

// How a drawing becomes an image of H rows.
const FITS = {
  // scikit-learn's digits: as high as the image, in the middle.
  fill: { pen: 0.16, height: 1, width: 0.75 },
  // MNIST's: inside of a frame, the mean of the ink in the middle.
  margin: { pen: 0.1, height: 20 / 28, width: 20 / 28, byMass: true },
  // Where it was drawn.
  drawn: null,
};

// Which of them an image of this size was most likely.
const usualFit = ({ height, width }) => (height === 28 && width === 28 ? "margin" : "fill");

// The strokes as an image: for each pixel the share of it that is ink, from 0 to 1.
function prepared(strokes, { height: H, width: W }, fit) {
  if (!strokes.length) return new Float32Array(H * W);
  const rule = FITS[fit];
  if (!rule) return inked(strokes.map((stroke) => stroke.map(([x, y]) => [x * W, y * H])), PEN * H, H, W);
  const pen = rule.pen * H, box = boxOf(strokes);
  // A dot or a dash stays one: what is higher than a tenth of the pad and not too flat fills the height.
  let scaleY = (rule.height * H - pen) / Math.max(box.height, box.width / 1.5, 0.1);
  let scaleX = Math.min(scaleY, (Math.min(rule.width * H, W) - pen) / Math.max(box.width, 1e-9));
  if (rule.byMass) scaleX = scaleY = Math.min(scaleX, scaleY);
  let middle = [box.x, box.y];
  const place = ([x, y]) => [W / 2 + (x - middle[0]) * scaleX, H / 2 + (y - middle[1]) * scaleY];
  const image = inked(strokes.map((stroke) => stroke.map(place)), pen, H, W);
  if (!rule.byMass) return image;
  const [x, y] = meanOf(image, W);
  middle = [middle[0] + (x - W / 2) / scaleX, middle[1] + (y - H / 2) / scaleY];
  return inked(strokes.map((stroke) => stroke.map(place)), pen, H, W);
}

function boxOf(strokes) {
  const xs = strokes.flat().map(([x]) => x), ys = strokes.flat().map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top };
}

// Where the mean of the ink is, as [x, y].
function meanOf(image, W) {
  let total = 0, x = 0, y = 0;
  image.forEach((ink, n) => {
    total += ink;
    x += ink * ((n % W) + 0.5);
    y += ink * (Math.floor(n / W) + 0.5);
  });
  return total ? [x / total, y / total] : [W / 2, image.length / W / 2];
}

// Lines of a round pen on an image. Each pixel is cut into fine x fine points, which are ink or paper.
function inked(lines, pen, H, W) {
  const fine = H > 16 ? 4 : 16, width = W * fine, reach = (pen * fine) / 2, points = new Uint8Array(H * fine * width);
  const near = (a, b, end) => [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(end, Math.max(a, b) + reach)];
  for (const line of lines)
    line.forEach((to, n) => {
      const [x0, y0, x1, y1] = [...line[Math.max(0, n - 1)], ...to].map((v) => v * fine);
      const [top, bottom] = near(y0, y1, H * fine), [left, right] = near(x0, x1, width);
      for (let r = top; r < bottom; r++)
        for (let s = left; s < right; s++)
          if (distance(s + 0.5, r + 0.5, x0, y0, x1, y1) <= reach) points[r * width + s] = 1;
    });
  const image = new Float32Array(H * W);
  points.forEach((ink, n) => {
    const r = Math.floor(n / width / fine), s = Math.floor((n % width) / fine);
    image[r * W + s] += ink / (fine * fine);
  });
  return image;
}

// From a point to the line between two others.
function distance(x, y, x0, y0, x1, y1) {
  const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
  const along = length ? Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}

// An image moved to the right and down by whole pixels; what enters at the edges is 0.
function moved(image, { height: H, width: W }, right, down) {
  return image.map((_, n) => {
    const r = Math.floor(n / W) - down, s = (n % W) - right;
    return r >= 0 && r < H && s >= 0 && s < W ? image[r * W + s] : 0;
  });
}

// Ten digits as a pen draws them: through these points, in hundredths of the pad's side.
const DIGITS = [
  ["52 14  34 24  28 48  34 74  50 86  66 76  72 50  66 24  50 14"],
  ["38 30  46 24  54 14", "54 14  53 50  52 86"],
  ["30 30  36 18  50 13  64 18  67 32  58 48  44 64  28 84", "28 84  50 83  72 84"],
  ["31 20  46 13  62 18  65 32  56 43  44 47", "44 47  60 50  69 63  63 79  47 87  30 80"],
  ["56 12  44 34  30 58", "30 58  52 59  74 57", "61 38  59 62  58 88"],
  ["66 14  52 14  38 15", "38 15  36 30  34 45", "34 45  50 40  65 49  68 66  58 82  44 87  30 80"],
  ["62 13  46 26  34 48  31 68  38 83  52 87  66 78  68 63  56 53  42 57  33 68"],
  ["29 17  50 16  71 15", "71 15  58 46  46 87", "36 50  49 49  64 48"],
  ["61 22  50 13  38 20  37 34  50 46  65 59  68 74  58 86  44 87  33 77  37 60  50 46  63 34  61 22"],
  ["66 30  56 16  40 18  32 32  38 46  54 48  65 38  67 28", "67 28  65 56  56 88"],
];

// Digit d as strokes: a smooth curve through its points, such as a hand would draw.
function exampleStrokes(digit) {
  return DIGITS[digit].map((text) => {
    const numbers = text.split(/\s+/).map((v) => v / 100);
    return smooth(Array.from({ length: numbers.length / 2 }, (_, n) => numbers.slice(2 * n, 2 * n + 2)));
  });
}

// Points on the curve through these ones (Catmull and Rom, 1974).
function smooth(points) {
  const curve = [points[0]], at = (n) => points[Math.max(0, Math.min(points.length - 1, n))];
  for (let n = 0; n < points.length - 1; n++)
    for (let t = 0.125; t <= 1; t += 0.125)
      curve.push([0, 1].map((axis) => {
        const [a, b, c, d] = [at(n - 1), at(n), at(n + 1), at(n + 2)].map((point) => point[axis]);
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
      }));
  return curve;
}
