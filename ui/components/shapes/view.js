// What an image needs to be looked at closely, and the geometry of what is drawn on it. Goes before shapes.js.
const MAX_ZOOM = 40;
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

class ImageView { // `scale`, `x`, `y`: from px of the image to those of the screen; `data`, `canvas` and `stage` are the surface's
  size() { return [this.canvas.clientWidth || this.stage.clientWidth, this.canvas.clientHeight || 1]; }
  toScreen([x, y]) { return [x * this.scale + this.x, y * this.scale + this.y]; }
  toImage([x, y]) { return [(x - this.x) / this.scale, (y - this.y) / this.scale]; }
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  inImage([x, y]) { return [Math.min(this.data.width, Math.max(0, x)), Math.min(this.data.height, Math.max(0, y))]; }

  resize() {
    if (!this.picture || !this.stage.clientWidth) return;
    const { width, height } = this.data, w = this.stage.clientWidth;
    const h = Math.min(w * height / width, Math.max(280, innerHeight * 0.75));
    this.canvas.style.height = `${h}px`;
    this.canvas.width = Math.round(w * devicePixelRatio);
    this.canvas.height = Math.round(h * devicePixelRatio);
    if (this.fitted || w !== this.seenWidth) { this.seenWidth = w; this.fit(); }
    this.draw();
  }

  fit() {
    const [w, h] = this.size();
    this.scale = this.least = Math.min(w / this.data.width, h / this.data.height);
    this.x = (w - this.data.width * this.scale) / 2;
    this.y = (h - this.data.height * this.scale) / 2;
    this.fitted = true;
    this.draw();
  }

  zoom(factor, [cx, cy] = this.size().map((v) => v / 2)) {
    const scale = Math.min(MAX_ZOOM, Math.max(this.least, this.scale * factor));
    this.x = cx - (cx - this.x) * scale / this.scale;
    this.y = cy - (cy - this.y) * scale / this.scale;
    this.scale = scale;
    if (scale === this.least) return this.fit();
    this.move(0, 0);
  }

  move(dx, dy) { // some of the image stays in sight
    const [w, h] = this.size(), keep = 40;
    this.x = Math.min(w - keep, Math.max(keep - this.data.width * this.scale, this.x + dx));
    this.y = Math.min(h - keep, Math.max(keep - this.data.height * this.scale, this.y + dy));
    this.fitted = false;
    this.draw();
  }

  pinch(before, now) {
    const other = [...this.pointers.values()].find((p) => p.pointerId !== now.pointerId);
    const gap = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    const [ox, oy] = this.at(other), [nx, ny] = this.at(now);
    this.zoom(gap(now) / Math.max(1, gap(before)), [(ox + nx) / 2, (oy + ny) / 2]);
  }
}

