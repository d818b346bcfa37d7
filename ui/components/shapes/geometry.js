// The geometry of what is drawn on an image. Goes before shapes.js.
const distance = ([a, b], [c, d]) => Math.hypot(a - c, b - d);
const round = ([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100];
const areaOf = (ring) => Math.abs(ring.reduce((sum, [x, y], k) => {
  const [u, v] = ring[(k + 1) % ring.length];
  return sum + x * v - y * u;
}, 0)) / 2;

function within([x, y], ring) {
  let inside = false;
  ring.forEach(([x0, y0], k) => {
    const [x1, y1] = ring[(k + 1) % ring.length];
    if (y0 > y !== y1 > y && x < (x1 - x0) * (y - y0) / (y1 - y0) + x0) inside = !inside;
  });
  return inside;
}

function besideSegment(p, a, b) { // distance, and the nearest point
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]], length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length)) : 0;
  const at = [a[0] + t * dx, a[1] + t * dy];
  return [distance(p, at), at];
}

function simplified(points, off) { // Douglas and Peucker
  if (points.length < 3) return points;
  let far = 0, where = 0;
  for (let k = 1; k < points.length - 1; k++) {
    const [d] = besideSegment(points[k], points[0], points[points.length - 1]);
    if (d > far) [far, where] = [d, k];
  }
  if (far <= off) return [points[0], points[points.length - 1]];
  return [...simplified(points.slice(0, where + 1), off).slice(0, -1), ...simplified(points.slice(where), off)];
}

